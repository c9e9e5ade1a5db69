//! Watches on: the LoadBalancer services and TLS secrets of the record as they change, and the rest of the cluster at an interval. What is
//! lost is made again in an open run from its sealed backup on, and outside of runs in mode `repair`; an object that exists is never
//! replaced. Everything is an event first. This module changes no node.

mod audit;
mod baseline;
mod blind;
mod copies;
mod discover;
mod drift;
mod keeper;
mod look;
mod losses;
mod mend;
mod recover;
mod settings;
mod stored;
#[cfg(test)]
mod tests;
mod verdict;

pub(crate) use copies::Copies;
pub(crate) use keeper::Keeper;
pub use settings::{Mode, SentinelSettings};

use crate::backup::ObjectName;
use crate::cluster::{Change, Followed};
use crate::exec::{Fence, Performer};
use crate::store::Store;
use crate::validate::Validator;
use baseline::Baseline;
use blind::Broken;
use jiff::Timestamp;
use losses::{Losses, Mends};
use podlift_common::clock::Clock;
use podlift_engine::machine::Event;
use podlift_engine::program::PlanOptions;
use podlift_engine::view::SentinelView;
use podlift_model::RunId;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

/// Changes that wait to be taken up.
const WAITING: usize = 64;
/// Pause before a watch that broke is begun again; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Time between two judgements of what is lost and was left.
const AGAIN: Duration = Duration::from_secs(1);

pub(crate) struct Sentinel {
    pub store: Arc<Store>,
    pub performer: Performer,
    pub fence: Arc<Fence>,
    pub clock: Arc<dyn Clock>,
    pub keeper: Arc<Keeper>,
    /// Sees certificates that end.
    pub validator: Arc<Validator>,
    pub settings: SentinelSettings,
    /// Options of a plan whose request does not set them.
    pub options: PlanOptions,
    /// The ingress controller's default certificate, if the configuration names it.
    pub default_certificate: Option<ObjectName>,
    /// Age from which an agent's report is old.
    pub stale_after: Duration,
    /// Since when it watches; `None` while it does not.
    pub since: Mutex<Option<Timestamp>>,
}

impl Sentinel {
    /// Watches until `stop` is cancelled. Dropping the future has the effect of a crash.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut mends = Mends::default();
        let mut journal = self.store.subscribe();
        tokio::select! {
            () = stop.cancelled() => return,
            () = self.recover() => {}
        }
        loop {
            let baseline = Baseline::of(&self.store, self.settings.mode);
            self.since(baseline.as_ref().map(|_| self.clock.now()));
            let key = baseline.as_ref().map(Baseline::key);
            let watch = async {
                match &baseline {
                    Some(baseline) => self.watch(baseline, &mut mends).await,
                    None => std::future::pending().await,
                }
            };
            let other = async {
                while journal.changed().await.is_ok() {
                    if Baseline::of(&self.store, self.settings.mode).as_ref().map(Baseline::key) != key {
                        return;
                    }
                }
                std::future::pending::<()>().await;
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = watch => {}
                () = other => {}
            }
        }
    }

    fn since(&self, at: Option<Timestamp>) {
        *self.since.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }

    /// What `podlift status` shows.
    pub fn view(&self) -> SentinelView {
        let since = *self.since.lock().unwrap_or_else(PoisonError::into_inner);
        self.store.sentinels().view(self.settings.mode.name(), since)
    }

    /// Follows the objects of the record, and looks at the rest. It returns when other objects have to be followed.
    async fn watch(self: &Arc<Self>, baseline: &Baseline, mends: &mut Mends) {
        self.keeper.begin(baseline.run());
        let (send, receive) = mpsc::channel(WAITING);
        tokio::join!(
            self.changes(baseline, receive, mends),
            self.looks(baseline),
            self.discover(baseline, send)
        );
    }

    /// Follows objects without end; a watch that breaks is begun again.
    async fn follow(self: Arc<Self>, what: Followed, all: mpsc::Sender<(Followed, Change)>) {
        let (mut pause, mut broken) = (FIRST_PAUSE, Broken::new());
        loop {
            let (send, mut receive) = mpsc::channel(WAITING);
            let forward = async {
                let mut heard = false;
                while let Some(change) = receive.recv().await {
                    if !std::mem::replace(&mut heard, true) {
                        self.follows(&what);
                    }
                    if all.send((what.clone(), change)).await.is_err() {
                        break;
                    }
                }
                heard
            };
            let (cluster, followed) = (&self.performer.cluster, &what);
            // The sender goes with the watch, so that the other side ends.
            let follow = async move { cluster.follow(followed, &send).await };
            let (failure, heard) = tokio::join!(follow, forward);
            if all.is_closed() {
                return;
            }
            pause = if heard { FIRST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
            match heard {
                true => broken = Broken::new(),
                false => self.broke(&what, &mut broken, &failure),
            }
            tracing::info!(?what, why = failure.message, "a watch of the sentinel ended and begins again");
            sleep(pause).await;
        }
    }

    async fn changes(
        self: &Arc<Self>,
        baseline: &Baseline,
        mut changes: mpsc::Receiver<(Followed, Change)>,
        mends: &mut Mends,
    ) {
        let services = baseline.services();
        let mut losses = Losses::default();
        let mut again = interval(AGAIN);
        again.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                change = changes.recv() => {
                    let Some((what, change)) = change else { return };
                    for heard in self.keeper.hear(&what, &services, change) {
                        self.heard(baseline, &mut losses, heard);
                    }
                    self.judge(baseline, &losses, mends);
                }
                _ = again.tick() => self.judge(baseline, &losses, mends),
                Some(mend) = mends.next() => self.ended(&mut losses, &mend),
            }
        }
    }

    /// An event that is not written stops nothing: the next look writes it again.
    fn write(&self, run: Option<&RunId>, event: Event) -> bool {
        // A run that ended in between takes no more records of its own.
        let open = run.filter(|run| self.store.run(run).is_some_and(|s| !s.is_over()));
        let written = self.store.append(open, event);
        if let Err(error) = &written {
            tracing::error!(%error, "the sentinel's event is not journaled");
        }
        written.is_ok()
    }
}
