//! The shared watches of the Kubernetes API: whether they are in use, what they hold, and how old that may be.

use crate::meters::ApiMeters;
use podlift_common::metrics::{Labels, Out};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::registry::Unit;
use std::fmt;

#[derive(Debug)]
pub(super) struct Watches(pub ApiMeters);

impl Collector for Watches {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let (mut out, all) = (Out(encoder), self.0.watches());
        let of = |kind: &'static str| -> Labels { vec![("kind", kind.into())] };
        let live = all.iter().map(|w| (of(w.kind), f64::from(u8::from(w.live))));
        out.gauges("watch_live", "Whether reads of this kind come from the shared watch", None, live)?;
        let objects = all.iter().map(|w| (of(w.kind), w.objects as f64));
        out.gauges("watch_objects", "Objects that the shared watch holds", None, objects)?;
        let silent = all.iter().map(|w| (of(w.kind), w.silent.map_or(0.0, |time| time.as_secs_f64())));
        let help = "Time since the shared watch brought an event or a bookmark; 0 while it is not in use";
        out.gauges("watch_silent", help, Some(Unit::Seconds), silent)?;
        let missed = all.iter().map(|w| (of(w.kind), w.missed as f64));
        let help = "Reads that went to the API, because the shared watch was not new enough";
        out.gauges("watch_missed_reads", help, None, missed)
    }
}
