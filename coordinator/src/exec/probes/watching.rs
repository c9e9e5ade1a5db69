//! One watch held open at each endpoint while the run changes the control plane. A request is one opening of it; its gap is the time from the
//! end of one watch to the next one that was accepted.

use super::gaps::{Answer, Gaps};
use super::{KEPT, Probes, changes};
use crate::cluster::{SILENCE, SILENT};
use podlift_engine::machine::{ProbeKind, RunState};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Pause before a watch is opened again.
const PAUSE: Duration = Duration::from_millis(250);

impl Probes {
    /// Holds a watch at one endpoint until the run is over.
    pub(super) async fn hold(&self, state: &RunState, endpoint: &str, phases: &BTreeSet<&str>) {
        let mut journal = self.desk.store.subscribe();
        let gaps = Mutex::new(Gaps::default());
        loop {
            let Some(now) = self.desk.store.run(&state.run).filter(|s| !s.is_over()) else { return };
            if changes(&now, phases) {
                tokio::select! {
                    () = self.watches(endpoint, &gaps) => {}
                    () = self.until_quiet(state, phases) => {}
                    () = self.keep(state, endpoint, &gaps) => {}
                }
                self.keep_counts(state, endpoint, &gaps);
            }
            if journal.changed().await.is_err() {
                return;
            }
        }
    }

    /// Waits until the run no longer changes the control plane.
    async fn until_quiet(&self, state: &RunState, phases: &BTreeSet<&str>) {
        let mut journal = self.desk.store.subscribe();
        loop {
            let now = self.desk.store.run(&state.run).filter(|s| !s.is_over());
            if now.is_none_or(|s| !changes(&s, phases)) || journal.changed().await.is_err() {
                return;
            }
        }
    }

    /// Journals the counts from time to time, without end.
    async fn keep(&self, state: &RunState, endpoint: &str, gaps: &Mutex<Gaps>) {
        loop {
            sleep(KEPT).await;
            self.keep_counts(state, endpoint, gaps);
        }
    }

    fn keep_counts(&self, state: &RunState, endpoint: &str, gaps: &Mutex<Gaps>) {
        let counts = lock(gaps).counts(endpoint, ProbeKind::Watch);
        self.write(state, counts);
    }

    /// Opens a watch again each time it ends. A watch that was accepted counts as a success at that time; its end is no failure of its own,
    /// unless it brought nothing any more.
    async fn watches(&self, endpoint: &str, gaps: &Mutex<Gaps>) {
        let cluster = &self.desk.performer.cluster;
        loop {
            let (asked, accepted) = (Instant::now(), AtomicBool::new(false));
            let answer =
                |failed: Option<String>| Answer { asked, answered: Instant::now(), counts: true, failed };
            let opened = || {
                accepted.store(true, Ordering::Release);
                lock(gaps).count(&answer(None));
            };
            let ended = cluster.watch_at(endpoint, &opened).await;
            let (now, accepted) = (Instant::now(), accepted.load(Ordering::Acquire));
            match ended {
                Err(why) if accepted && why == SILENT => {
                    let mut gaps = lock(gaps);
                    gaps.ended(now.checked_sub(SILENCE).unwrap_or(asked));
                    gaps.count(&Answer { asked: now, ..answer(Some(why)) });
                }
                _ if accepted => lock(gaps).ended(now),
                ended => {
                    let why = ended.err().unwrap_or_else(|| "it ended before it was accepted".into());
                    lock(gaps).count(&answer(Some(why)));
                }
            }
            // Also after a watch that was accepted: a server that ends each at once is not asked without end.
            sleep(PAUSE).await;
        }
    }
}

fn lock(gaps: &Mutex<Gaps>) -> MutexGuard<'_, Gaps> {
    gaps.lock().unwrap_or_else(PoisonError::into_inner)
}
