//! When the heal looks: at one manifest as soon as its file changes, and at everything on a coalesced tick, which is also the agent's pulse
//! for systemd. The tick is longer while nothing is pending and the kernel gives notices. A lost notice delays a repair by at most that
//! longer tick.
//!
//! The watch uses the crate `inotify` and not `notify`: notify 8 also asks the kernel for OPEN events and has its own thread, so that each
//! read of the directory by the kubelet or the agent wakes two threads. This watch asks only for events that end a change, on the runtime
//! that heals.

use super::Heal;
use podlift_common::rhythm;
use podlift_host::Change;
use podlift_host::paths;
use podlift_model::op::Component;
use std::path::Path;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep_until};

/// Factor by which a tick is longer while nothing is pending.
const CALM: u32 = 4;
/// Maximum of a calm tick: systemd's watchdog (`WatchdogSec=30` of podlift-agent.service) wants a pulse every 15 s.
const LONGEST: Duration = Duration::from_secs(8);

/// Runs until it is dropped. `pulse` is called on every tick. Ticks are in step with `origin`, if there is one.
pub async fn watch(heal: &Heal, origin: Option<Instant>, pulse: impl Fn()) {
    let mut due = Instant::now();
    let mut folder = None;
    loop {
        if folder.is_none() {
            folder = Folder::subscribe(heal);
            heal.meters.watching(folder.is_some());
        }
        tokio::select! {
            biased;
            change = next(&mut folder) => match change {
                Some(Change::File(name)) => {
                    let noticed = heal.host.clock.since_boot();
                    match component_of(&name) {
                        Some(component) => heal.look(component, noticed),
                        None => heal.other_changed(&name, noticed),
                    }
                }
                // Notices were lost, or the folder was replaced. Subscribe anew and then look, so that no change is missed in between.
                Some(Change::Rescan) | None => {
                    heal.meters.rescan();
                    folder = Folder::subscribe(heal);
                    heal.meters.watching(folder.is_some());
                    heal.look_at_all();
                }
            },
            () = heal.wake.notified() => heal.look_at_all(),
            () = sleep_until(due) => {
                // For example after a mount over the folder, of which no notice arrives.
                if folder.as_ref().is_some_and(|f| f.identity != identity(heal)) {
                    heal.meters.rescan();
                    folder = None;
                }
                heal.look_at_all();
                pulse();
                due = rhythm::next(origin, Instant::now(), calm(heal.config.tick));
            }
        }
        if heal.is_pending() || is_blind(heal, &folder) {
            due = due.min(rhythm::next(origin, Instant::now(), heal.config.tick));
        }
    }
}

fn calm(tick: Duration) -> Duration {
    (tick * CALM).min(LONGEST).max(tick)
}

/// Whether the folder exists but gives no notices. Without a folder, as on a worker, nothing can be missed.
fn is_blind(heal: &Heal, folder: &Option<Folder>) -> bool {
    folder.is_none() && identity(heal).is_some()
}

/// The folder that gives notices now.
struct Folder {
    identity: Option<(u64, u64)>,
    notices: UnboundedReceiver<Change>,
}

impl Folder {
    /// `None` if the folder does not exist yet: the tick looks anyway, and the next round tries again.
    fn subscribe(heal: &Heal) -> Option<Self> {
        let identity = identity(heal);
        // A watcher is a thread. On a worker, none is created in vain every two seconds.
        let there = identity.is_some() || heal.host.files.list(Path::new(paths::MANIFESTS)).is_ok();
        if !there {
            return None;
        }
        let notices = heal.host.watch.watch(Path::new(paths::MANIFESTS));
        let notices = notices
            .inspect_err(|error| tracing::debug!(%error, "{} is not watched", paths::MANIFESTS))
            .ok()?;
        Some(Self { identity, notices })
    }
}

fn identity(heal: &Heal) -> Option<(u64, u64)> {
    heal.host.files.identity(Path::new(paths::MANIFESTS)).ok()
}

/// Never ready if there are no notices.
async fn next(folder: &mut Option<Folder>) -> Option<Change> {
    match folder {
        Some(folder) => folder.notices.recv().await,
        None => std::future::pending().await,
    }
}

fn component_of(name: &str) -> Option<Component> {
    name.strip_suffix(".yaml")?.parse().ok()
}
