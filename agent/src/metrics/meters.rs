//! Metrics that the agent counts while it runs. Labels are ops, outcomes, rules and files: they are few, and their number does not grow
//! with time.

use podlift_common::metrics::Labels;
use podlift_model::{HostOp, OpOutcome};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use std::time::Duration;

/// From a look of milliseconds to an installation of many minutes, in seconds.
const OPS: [f64; 11] = [0.01, 0.1, 0.5, 1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 900.0];
pub(crate) struct Meters {
    ops: Family<Labels, Counter>,
    seconds: Family<Labels, Histogram>,
    sessions: Family<Labels, Counter>,
    /// 1 while the coordinator has accepted this agent.
    connected: Gauge,
}

impl Default for Meters {
    fn default() -> Self {
        let sessions = Family::<Labels, Counter>::default();
        for result in ["welcomed", "refused", "unreachable"] {
            drop(sessions.get_or_create(&vec![("result", result.to_string())]));
        }
        Self {
            ops: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(OPS)),
            sessions,
            connected: Gauge::default(),
        }
    }
}

/// Result of one attempt at a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attempt {
    Welcomed,
    /// The coordinator answered and did not accept this agent.
    Refused,
    Unreachable,
}

/// Sets the gauge to 1 as long as it lives.
pub(crate) struct Connected(Gauge);

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.set(0);
    }
}

impl Meters {
    pub fn register(&self, to: &mut Registry) {
        to.register("ops", "Mutations that ended, by op and outcome", self.ops.clone());
        to.register_with_unit(
            "op_duration",
            "From the acceptance of a mutation to its recorded outcome",
            Unit::Seconds,
            self.seconds.clone(),
        );
        to.register(
            "session_attempts",
            "Attempts to reach the coordinator, by result",
            self.sessions.clone(),
        );
        to.register(
            "session_connected",
            "Whether the coordinator has accepted this agent's session",
            self.connected.clone(),
        );
    }

    pub fn op_ended(&self, op: &HostOp, outcome: &OpOutcome, took: Duration) {
        let outcome = match outcome {
            OpOutcome::Done { .. } => "done",
            OpOutcome::Failed { .. } => "failed",
            OpOutcome::Indeterminate { .. } => "indeterminate",
        };
        let op = ("op", op.verb().to_string());
        self.seconds.get_or_create(&vec![op.clone()]).observe(took.as_secs_f64());
        self.ops.get_or_create(&vec![op, ("outcome", outcome.into())]).inc();
    }

    pub fn attempt(&self, how: Attempt) {
        let result = match how {
            Attempt::Welcomed => "welcomed",
            Attempt::Refused => "refused",
            Attempt::Unreachable => "unreachable",
        };
        self.sessions.get_or_create(&vec![("result", result.to_string())]).inc();
    }

    pub fn connected(&self) -> Connected {
        self.connected.set(1);
        Connected(self.connected.clone())
    }
}

pub(super) fn build(to: &mut Registry) {
    let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
    to.register("build", "This agent", build);
}
