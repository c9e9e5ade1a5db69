//! Checks, while a run is open, whether each API server and the address in front of them answer. It measures from the coordinator with
//! fresh connections, and records every outage with its length in the journal. It judges nothing.

use super::Desk;
use futures_util::future::join_all;
use podlift_engine::doors::{ApiProbe, VIP};
use podlift_engine::inventory::Inventory;
use podlift_engine::machine::{Event, RunState};
use podlift_engine::{ClusterLook, ClusterReply};
use podlift_model::RunId;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

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
                let watches = endpoints(&state.plan.inventory).into_iter().map(|e| self.watch(&state, e));
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
    async fn watch(&self, state: &RunState, endpoint: String) {
        // The journal holds what a previous coordinator measured of an outage that still lasts.
        let (mut before, mut down) = match still_down(state, &endpoint) {
            Some(before) => (before, Some(Instant::now())),
            None => (Duration::ZERO, None),
        };
        while self.desk.store.run(&state.run).is_some_and(|s| !s.is_over()) {
            let asked = Instant::now();
            let probe = self.twice(&endpoint).await;
            match (probe.ok, down) {
                (false, None) => {
                    down = Some(asked);
                    self.write(&state.run, Event::ApiDown { endpoint: endpoint.clone(), why: probe.why });
                }
                (true, Some(since)) => {
                    down = None;
                    let milliseconds = (since.elapsed() + std::mem::take(&mut before)).as_millis() as u64;
                    self.write(&state.run, Event::ApiUp { endpoint: endpoint.clone(), milliseconds });
                }
                _ => {}
            }
            tokio::time::sleep(self.desk.settings.probe_interval).await;
        }
    }

    /// Probes again after a failure: a failure counts only if it happens twice in a row.
    async fn twice(&self, endpoint: &str) -> ApiProbe {
        let first = self.probe(endpoint).await;
        if first.ok { first } else { self.probe(endpoint).await }
    }

    async fn probe(&self, endpoint: &str) -> ApiProbe {
        let look = ClusterLook::ProbeApiServers { endpoints: vec![endpoint.into()] };
        let failed = |why: String| ApiProbe { endpoint: endpoint.into(), ok: false, why };
        match self.desk.performer.cluster.look(&look).await {
            Ok(ClusterReply::Probes(mut probes)) => {
                probes.pop().unwrap_or_else(|| failed("no answer".into()))
            }
            Ok(_) => failed("unexpected answer".into()),
            Err(failure) => failed(failure.message),
        }
    }

    fn write(&self, run: &RunId, event: Event) {
        let over = |s: &RunState| s.is_over();
        if let Err(error) = self.desk.store.append_with(run, |s| (!over(s)).then_some(event)) {
            tracing::error!(%error, "probe not journaled");
        }
    }
}

/// How long an endpoint had been down when this coordinator took over the run.
fn still_down(state: &RunState, endpoint: &str) -> Option<Duration> {
    let open = state.outages.iter().find(|o| o.endpoint == endpoint && o.milliseconds.is_none())?;
    Duration::try_from(state.last.duration_since(open.from)).ok()
}
