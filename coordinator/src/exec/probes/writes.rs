//! Writes of an object that are admitted and not stored, one to four reads, and only while the run changes the control plane: each costs the
//! cluster's admission webhooks a call.

use super::gaps::{Answer, Gaps};
use super::{IN_FLIGHT, KEPT, Probes, changes};
use futures_util::StreamExt as _;
use futures_util::future::{BoxFuture, FutureExt as _};
use futures_util::stream::FuturesOrdered;
use podlift_engine::machine::{ProbeKind, RunState};
use std::collections::BTreeSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// Reads to one write.
const READS: u32 = 4;

impl Probes {
    /// Writes at one endpoint until the run is over.
    pub(super) async fn writes(&self, state: &RunState, endpoint: &str, phases: &BTreeSet<&str>) {
        let mut journal = self.desk.store.subscribe();
        let mut gaps = Gaps::default();
        let mut often = changes(state, phases);
        let mut ticks = interval(self.desk.settings.read_interval * READS);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut asked: FuturesOrdered<BoxFuture<'_, Answer>> = FuturesOrdered::new();
        loop {
            tokio::select! {
                _ = ticks.tick(), if often && asked.len() < IN_FLIGHT => asked.push_back(self.change(endpoint)),
                Some(answer) = asked.next() => gaps.count(&answer),
                changed = journal.changed() => {
                    let now = self.desk.store.run(&state.run).filter(|s| changed.is_ok() && !s.is_over());
                    let Some(now) = now else { return };
                    let again = changes(&now, phases);
                    if again && !often {
                        ticks.reset();
                    }
                    often = again;
                }
            }
            if gaps.counted_for() > KEPT || (!often && asked.is_empty()) {
                self.write(state, gaps.counts(endpoint, ProbeKind::Write));
            }
        }
    }

    fn change<'a>(&'a self, endpoint: &'a str) -> BoxFuture<'a, Answer> {
        let (cluster, asked) = (&self.desk.performer.cluster, Instant::now());
        async move {
            let probe = cluster.write_at(endpoint).await;
            Answer { asked, answered: Instant::now(), counts: true, failed: (!probe.ok).then_some(probe.why) }
        }
        .boxed()
    }
}
