//! Agents, epoch and right to command, as this coordinator knows them at the time of the scrape. Nodes are counted and never named;
//! `podlift status` names them.

use crate::core::Coordinator;
use podlift_common::metrics::{Labels, Out};
use podlift_engine::view::SeenNode;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

pub(super) struct Fleet(pub Arc<Coordinator>);

impl fmt::Debug for Fleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fleet")
    }
}

const ROLES: [&str; 2] = ["control-plane", "worker"];
const STATES: [&str; 3] = ["fresh", "stale", "gone"];

impl Collector for Fleet {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut out = Out(encoder);
        self.agents(&mut out)?;
        let fence = self.0.fence();
        // While no epoch is held, this is the highest one in the journal.
        let epoch = fence.epoch().or_else(|| self.0.store().last_epoch()).map_or(0, |e| e.number);
        out.gauge(
            "epoch",
            "Number of the epoch that this coordinator holds or last held",
            None,
            epoch as f64,
        )?;
        let read_only = f64::from(u8::from(fence.read_only().is_some()));
        out.gauge(
            "read_only",
            "Whether this coordinator may not command; podlift status says why",
            None,
            read_only,
        )
    }
}

impl Fleet {
    fn agents(&self, out: &mut Out<'_>) -> fmt::Result {
        let seen = self.0.agents().seen();
        let connected = seen.iter().filter(|n| n.connected).count();
        out.gauge("sessions_connected", "Agents that have a session now", None, connected as f64)?;
        let mut counts: BTreeMap<(&str, &str), u32> = BTreeMap::new();
        for node in &seen {
            *counts.entry((role(node), self.state(node))).or_default() += 1;
        }
        let pairs = ROLES.iter().flat_map(|r| STATES.iter().map(move |s| (*r, *s)));
        let rows = pairs.map(|(role, state)| {
            let labels: Labels = vec![("role", role.into()), ("state", state.into())];
            (labels, f64::from(counts.get(&(role, state)).copied().unwrap_or(0)))
        });
        let help = "Agents seen since the start of this coordinator; stale: silent for three heartbeats, gone: without a session";
        out.gauges("agents", help, None, rows)?;
        let refused = self.0.agents().refused().len();
        out.gauge(
            "agents_refused",
            "Agents turned away (another version, a second machine) or not believed",
            None,
            refused as f64,
        )
    }

    fn state(&self, node: &SeenNode) -> &'static str {
        let age = self.0.now().duration_since(node.at);
        match (node.connected, age > self.0.stale_after().try_into().unwrap_or(age)) {
            (false, _) => "gone",
            (true, true) => "stale",
            (true, false) => "fresh",
        }
    }
}

fn role(node: &SeenNode) -> &'static str {
    if node.facts.manifests.is_empty() { "worker" } else { "control-plane" }
}
