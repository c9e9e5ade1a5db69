//! What the sentinel sees, at the time of the scrape: numbers by part, never names of objects; `podlift status` has those.

use crate::core::Coordinator;
use podlift_common::metrics::{Labels, Out};
use podlift_engine::view::SentinelRow;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use std::fmt;
use std::sync::Arc;

pub(super) struct Sentinel(pub Arc<Coordinator>);

impl fmt::Debug for Sentinel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sentinel")
    }
}

/// First parts of the names of rows.
const PARTS: [&str; 12] = [
    "agents",
    "api",
    "bcm",
    "blind",
    "calico-operator",
    "certificates",
    "drift",
    "etcd-servers",
    "feature-gates",
    "ingress-tls",
    "load-balancers",
    "watch",
];

impl Collector for Sentinel {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let (mut out, view) = (Out(encoder), self.0.sentinel());
        let watching = f64::from(u8::from(view.since.is_some()));
        let help = "Whether the sentinel compares the cluster with the record of a run now";
        out.gauge("sentinel_watching", help, None, watching)?;
        let of = |part: &str| view.seen.iter().filter(|row| is_of(row, part)).count();
        let rows = PARTS.iter().map(|part| {
            let labels: Labels = vec![("part", part.to_string())];
            (labels, of(part) as f64)
        });
        out.gauges("sentinel_seen", "What the sentinel sees and has not cleared, by part", None, rows)
    }
}

fn is_of(row: &SentinelRow, part: &str) -> bool {
    row.key.split('/').next() == Some(part)
}
