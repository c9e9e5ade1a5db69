//! Metrics that are read from the agent's state at each scrape. Nothing is kept between two scrapes.

use crate::config::Mode;
use crate::node::Node;
use podlift_common::metrics::{Labels, Out};
use podlift_host::paths;
use podlift_model::facts::GuardState;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::registry::Unit;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

pub(super) struct Seen(pub Arc<Node>);

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Seen({})", self.0.config.node)
    }
}

const GUARDS: [&str; 4] = ["steady", "armed", "observe", "off"];

impl Collector for Seen {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut out = Out(encoder);
        self.node(&mut out)?;
        self.ledger(&mut out)?;
        if self.0.config.is_head() {
            return Ok(());
        }
        self.heal(&mut out)
    }
}

impl Seen {
    fn node(&self, out: &mut Out<'_>) -> fmt::Result {
        let epoch = self.0.ledger.highest().map_or(0, |e| e.number);
        let running = self.0.running_ops().len();
        out.gauge(
            "epoch",
            "Number of the highest epoch accepted; 0: none yet, nothing is changed here",
            None,
            epoch as f64,
        )?;
        out.gauge("ops_running", "Mutations that run now", None, running as f64)
    }

    fn ledger(&self, out: &mut Out<'_>) -> fmt::Result {
        let bytes = self.0.host.files.read(Path::new(paths::LEDGER)).unwrap_or_default();
        let lines = bytes.iter().filter(|b| **b == b'\n').count().saturating_sub(1);
        out.gauge("ledger_records", "Records of the ledger", None, lines as f64)?;
        out.gauge("ledger_size", "Size of the ledger's file", Some(Unit::Bytes), bytes.len() as f64)
    }

    fn heal(&self, out: &mut Out<'_>) -> fmt::Result {
        let heal = &self.0.heal;
        let mode = match (self.0.config.heal.mode, heal.guard()) {
            (Mode::Off, _) | (_, GuardState::Off) => "off",
            (Mode::Observe, _) => "observe",
            (Mode::Enforce, GuardState::Armed { .. }) => "armed",
            (Mode::Enforce, GuardState::Steady) => "steady",
        };
        let row = |name: &'static str| -> (Labels, f64) {
            (vec![("mode", name.into())], if name == mode { 1.0 } else { 0.0 })
        };
        out.gauges("guard_mode", "What the heal may do: 1 for the mode that holds", None, GUARDS.map(row))?;
        out.gauge(
            "heals_unreported",
            "Repairs that the coordinator has not in its journal yet",
            None,
            heal.pending().len() as f64,
        )?;
        let reported = heal.findings().iter().filter(|f| f.report_only.is_some()).count();
        out.gauge(
            "heal_findings",
            "What is wrong with the manifests now and is not repaired, only reported",
            None,
            reported as f64,
        )
    }
}
