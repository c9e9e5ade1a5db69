//! Metrics of the heal. Labels are rules and files: they are few, and their number does not grow with time.

use podlift_common::metrics::Labels;
use podlift_model::op::Component;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::time::Duration;

/// A heal takes hundreds of microseconds; kubelet reads a new manifest within a second.
const HEALS: [f64; 12] = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0];

pub struct HealMeters {
    heals: Family<Labels, Counter>,
    latency: Histogram,
    held_back: Family<Labels, Counter>,
    rescans: Counter,
    /// 1 while notices arrive from the folder of manifests.
    watching: Gauge,
    unlearned: Family<Labels, Gauge>,
}

impl Default for HealMeters {
    fn default() -> Self {
        let (heals, held_back) = (Family::<Labels, Counter>::default(), Family::<Labels, Counter>::default());
        // The counters start at zero, so that the first heal shows as an increase.
        for rule in crate::rules::REPAIRS {
            drop(heals.get_or_create(&vec![("rule", rule.to_string())]));
        }
        for component in Component::ALL {
            for why in ["budget", "fight"] {
                drop(held_back.get_or_create(&held(*component, why)));
            }
        }
        Self {
            heals,
            latency: Histogram::new(HEALS),
            held_back,
            rescans: Counter::default(),
            watching: Gauge::default(),
            unlearned: Family::default(),
        }
    }
}

fn held(component: Component, why: &str) -> Labels {
    vec![("file", component.file()), ("why", why.into())]
}

impl HealMeters {
    pub fn register(&self, to: &mut Registry) {
        to.register("heals", "Repairs of manifests since the agent started, by rule", self.heals.clone());
        to.register_with_unit(
            "heal_latency",
            "From the notice of a change to the repaired manifest on the disk",
            Unit::Seconds,
            self.latency.clone(),
        );
        to.register(
            "heals_held_back",
            "Times that a repair was held back and only reported: budget spent, or a fight with another writer",
            self.held_back.clone(),
        );
        to.register(
            "watch_rescans",
            "Times that everything was looked at because notices were lost (queue overflow) or the folder was replaced",
            self.rescans.clone(),
        );
        to.register(
            "watch_active",
            "Whether changes of the manifest folder are noticed at once",
            self.watching.clone(),
        );
        to.register_with_unit(
            "heal_unlearned",
            "For how long nothing could be learned of a manifest that is there, so that it is not protected; 0: it is learned",
            Unit::Seconds,
            self.unlearned.clone(),
        );
    }

    /// For how long nothing could be learned of a component's manifest.
    pub fn unlearned(&self, component: Component, since: Option<Duration>) {
        let seconds = since.map_or(0, |s| i64::try_from(s.as_secs()).unwrap_or(i64::MAX));
        self.unlearned.get_or_create(&vec![("file", component.file())]).set(seconds);
    }

    pub fn healed(&self, rules: &[String], latency: Duration) {
        for rule in rules {
            self.heals.get_or_create(&vec![("rule", rule.clone())]).inc();
        }
        self.latency.observe(latency.as_secs_f64());
    }

    pub fn held_back(&self, component: Component, fight: bool) {
        let why = if fight { "fight" } else { "budget" };
        self.held_back.get_or_create(&held(component, why)).inc();
    }

    pub fn rescan(&self) {
        self.rescans.inc();
    }

    pub fn watching(&self, yes: bool) {
        self.watching.set(yes.into());
    }

    pub fn is_watching(&self) -> bool {
        self.watching.get() != 0
    }
}
