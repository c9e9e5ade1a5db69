//! When the heal looks: at once when a file of the folder changes, and at everything on a coalesced tick, which is also the agent's
//! pulse for systemd. Lost notices cost at most one tick.

use super::Heal;
use podlift_host::Change;
use podlift_host::paths;
use podlift_model::op::Component;
use std::path::Path;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::MissedTickBehavior;

/// Runs until it is dropped. `pulse` is called on every tick.
pub async fn watch(heal: &Heal, pulse: impl Fn()) {
    let mut tick = tokio::time::interval(heal.config.tick);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut notices = None;
    loop {
        if notices.is_none() {
            notices = subscribe(heal);
            heal.meters.watching(notices.is_some());
        }
        tokio::select! {
            biased;
            change = next(&mut notices) => match change {
                Some(Change::File(name)) => {
                    let noticed = heal.host.clock.since_boot();
                    if let Some(component) = component_of(&name) {
                        heal.look(component, noticed);
                    }
                }
                Some(Change::Rescan) => {
                    heal.meters.rescan();
                    heal.look_at_all();
                }
                None => notices = None,
            },
            () = heal.wake.notified() => heal.look_at_all(),
            _ = tick.tick() => {
                heal.look_at_all();
                pulse();
            }
        }
    }
}

/// None where the folder is not there yet: the tick looks anyway, and the next round tries again.
fn subscribe(heal: &Heal) -> Option<UnboundedReceiver<Change>> {
    let dir = Path::new(paths::MANIFESTS);
    let notices = heal.host.watch.watch(dir);
    notices.inspect_err(|error| tracing::debug!(%error, "{} is not watched", paths::MANIFESTS)).ok()
}

/// Never ready where there are no notices.
async fn next(notices: &mut Option<UnboundedReceiver<Change>>) -> Option<Change> {
    match notices {
        Some(notices) => notices.recv().await,
        None => std::future::pending().await,
    }
}

fn component_of(name: &str) -> Option<Component> {
    name.strip_suffix(".yaml")?.parse().ok()
}
