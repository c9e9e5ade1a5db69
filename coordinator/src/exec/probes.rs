//! Probes each API server, and the address in front of them, while a run is open. It measures from the coordinator with fresh connections
//! and judges nothing. While the run changes the control plane, it reads an object twenty times a second at each endpoint and counts each
//! failure, because a client that connects at the wrong moment fails once and no slower probe shows that; otherwise it asks for readiness
//! once a second. Beside the reads it makes writes that are not stored, and holds one watch open at each endpoint. The journal has every
//! outage of the reads with its length, and the counts of each kind.

mod gaps;
mod watching;
mod writes;

use super::Desk;
use futures_util::StreamExt as _;
use futures_util::future::{BoxFuture, FutureExt as _, join_all};
use futures_util::stream::FuturesOrdered;
use gaps::{Answer, Gaps};
use podlift_engine::doors::VIP;
use podlift_engine::inventory::{Inventory, NodeRole};
use podlift_engine::machine::{Event, ProbeKind, RunState};
use podlift_engine::program::{Phase, Program};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

/// Requests to one endpoint that wait for their answer. A server that hangs does not stop the count before its probes time out.
const IN_FLIGHT: usize = 100;
/// How long counts are kept in memory. A coordinator that dies loses the counts of this time, and no outage.
const KEPT: Duration = Duration::from_secs(30);

pub struct Probes {
    pub desk: Arc<Desk>,
}

/// The advertise addresses of all API servers, and `vip`.
pub(crate) fn endpoints(inventory: &Inventory) -> Vec<String> {
    let servers = inventory.control_planes().filter_map(|n| n.facts.as_ref()?.advertise.clone());
    servers.chain([VIP.to_string()]).collect()
}

impl Probes {
    pub async fn run(self, stop: CancellationToken) {
        let mut journal = self.desk.store.subscribe();
        loop {
            if let Some(state) = self.desk.store.open_run() {
                let phases = of_control_plane(&state.plan);
                let (own, all) = (&self, endpoints(&state.plan.inventory));
                let (state, phases) = (&state, &phases);
                let watches = all.iter().map(|endpoint| async move {
                    tokio::join!(
                        own.watch(state, endpoint.clone(), phases),
                        own.writes(state, endpoint, phases),
                        own.hold(state, endpoint, phases)
                    )
                });
                let watches: Vec<_> = watches.collect();
                tokio::select! {
                    () = stop.cancelled() => return,
                    _ = join_all(watches) => {}
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                changed = journal.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Watches one endpoint until the run is over. A slow endpoint delays no other.
    async fn watch(&self, state: &RunState, endpoint: String, phases: &BTreeSet<&str>) {
        let mut journal = self.desk.store.subscribe();
        let mut gaps = Gaps::after(state, &endpoint);
        let mut often = changes(state, phases);
        let mut ticks = self.ticks(often);
        let mut asked: FuturesOrdered<BoxFuture<'_, Answer>> = FuturesOrdered::new();
        loop {
            tokio::select! {
                _ = ticks.tick(), if asked.len() < IN_FLIGHT => asked.push_back(self.ask(&endpoint, often)),
                Some(answer) = asked.next() => self.write(state, gaps.take(&endpoint, answer)),
                changed = journal.changed() => {
                    let Some(now) = self.desk.store.run(&state.run).filter(|s| changed.is_ok() && !s.is_over()) else {
                        return;
                    };
                    if changes(&now, phases) != often {
                        often = !often;
                        ticks = self.ticks(often);
                    }
                }
            }
            if gaps.counted_for() > KEPT || (!often && asked.is_empty()) {
                self.write(state, gaps.counts(&endpoint, ProbeKind::Read));
            }
        }
    }

    fn ticks(&self, often: bool) -> Interval {
        let settings = &self.desk.settings;
        let mut ticks =
            tokio::time::interval(if often { settings.read_interval } else { settings.probe_interval });
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        ticks
    }

    /// A probe that begins now. Only reads are counted.
    fn ask<'a>(&'a self, endpoint: &'a str, read: bool) -> BoxFuture<'a, Answer> {
        let (cluster, asked) = (&self.desk.performer.cluster, Instant::now());
        async move {
            let probe = if read { cluster.read_at(endpoint).await } else { cluster.ready_at(endpoint).await };
            Answer { asked, answered: Instant::now(), counts: read, failed: (!probe.ok).then_some(probe.why) }
        }
        .boxed()
    }

    fn write(&self, state: &RunState, event: Option<Event>) {
        let Some(event) = event else { return };
        if let Err(error) = self.desk.store.append_with(&state.run, |s| (!s.is_over()).then_some(event)) {
            tracing::error!(%error, "probe not journaled");
        }
    }
}

/// Names of the phases that may take an API server away: they work on control-plane nodes, one after another.
fn of_control_plane(plan: &Program) -> BTreeSet<&str> {
    let plane = |phase: &&Phase| {
        let nodes = phase.lanes.iter().filter_map(|l| plan.inventory.get(l.node.as_ref()?));
        phase.parallel == 1 && nodes.into_iter().any(|n| n.role == NodeRole::ControlPlane)
    };
    plan.phases.iter().filter(plane).map(|phase| phase.name.as_str()).collect()
}

/// Whether the run changes the control plane now: it works in such a phase, or a lane that it has begun there is not over.
fn changes(state: &RunState, phases: &BTreeSet<&str>) -> bool {
    let there = state.phase().is_some_and(|phase| phases.contains(phase.name.as_str()));
    there && (state.is_at_work() || state.open_steps().next().is_some())
}
