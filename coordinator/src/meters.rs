//! Durations of this process that the journal does not contain, measured where they occur.

use crate::cluster::Gauge;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Buckets in seconds for an append with its fsync, from a good SSD to a failing disk.
const APPENDS: [f64; 10] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0];
const PLANS: [f64; 9] = [0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0];

#[derive(Debug, Clone)]
pub struct Meters {
    pub(crate) append: Histogram,
    plan: Histogram,
    pub api: ApiMeters,
}

/// Requests to the Kubernetes API, and the shared watches.
#[derive(Clone)]
pub struct ApiMeters {
    requests: Family<Vec<(&'static str, &'static str)>, Counter>,
    watches: Arc<Mutex<Vec<Reading>>>,
}

/// Reads the condition of one watch.
type Reading = Arc<dyn Fn() -> Gauge + Send + Sync>;

impl fmt::Debug for ApiMeters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiMeters")
    }
}

/// Every verb, so that a counter is there before its first request.
const VERBS: [&str; 6] = ["create", "delete", "get", "list", "patch", "watch"];
/// Every kind of which there may be a watch.
const KINDS: [&str; 2] = ["nodes", "pods"];

impl Default for ApiMeters {
    fn default() -> Self {
        let requests: Family<Vec<(&'static str, &'static str)>, Counter> = Family::default();
        VERBS.iter().for_each(|verb| drop(requests.get_or_create(&vec![("verb", *verb)])));
        Self { requests, watches: Arc::default() }
    }
}

impl ApiMeters {
    /// Counts one request; all pages of a list are one.
    pub(crate) fn requested(&self, verb: &'static str) {
        self.requests.get_or_create(&vec![("verb", verb)]).inc();
    }

    pub(crate) fn observe(&self, watch: Reading) {
        self.watches.lock().unwrap_or_else(PoisonError::into_inner).push(watch);
    }

    /// The condition of the watch of each kind, also where there is none.
    pub(crate) fn watches(&self) -> Vec<Gauge> {
        let readings = self.watches.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let seen: Vec<Gauge> = readings.iter().map(|read| read()).collect();
        let of = |kind: &'static str| seen.iter().find(|g| g.kind == kind).cloned();
        KINDS.into_iter().map(|kind| of(kind).unwrap_or_else(|| Gauge::none(kind))).collect()
    }
}

impl Default for Meters {
    fn default() -> Self {
        Self { append: Histogram::new(APPENDS), plan: Histogram::new(PLANS), api: ApiMeters::default() }
    }
}

impl Meters {
    pub(crate) fn register(&self, to: &mut Registry) {
        let (append, plan) = (self.append.clone(), self.plan.clone());
        to.register_with_unit("journal_append", "One durable append to the journal", Unit::Seconds, append);
        let help = "Requests to the Kubernetes API; all pages of a list are one";
        to.register("api_requests", help, self.api.requests.clone());
        let help = "Making a plan: looking at every node and judging what was seen";
        to.register_with_unit("plan_duration", help, Unit::Seconds, plan);
    }

    /// Runs the making of a plan and records its duration, also if it fails.
    pub(crate) async fn planned<T>(self: &Arc<Self>, making: impl Future<Output = T>) -> T {
        let began = Instant::now();
        let made = making.await;
        self.plan.observe(began.elapsed().as_secs_f64());
        made
    }
}
