//! The file of a trace, `podlift.trace/v1`; its fields are in traces/README.md.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub const FORMAT: &str = "podlift.trace/v1";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Trace {
    pub format: String,
    /// The time of second 0. Windows of a policy depend on it.
    pub starts: Timestamp,
    pub fleet: FleetSpec,
    pub upgrades: Upgrades,
    /// By the time of submission. Empty if they are generated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub jobs: Vec<Job>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generate: Option<Generate>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FleetSpec {
    pub nodes: usize,
    pub gpus_per_node: u32,
    /// Nodes that follow each other have the same value of the label `rack`.
    pub nodes_per_rack: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Upgrades {
    /// When upgrades begin, in days from the start. Each begins with the fleet as it would be if no other had been.
    pub at_days: Vec<f64>,
    /// The mean length of the lane of one node.
    pub lane_seconds: u64,
    /// How far lanes differ from it at most, as a part of it: 0.2 means 80 % to 120 %.
    pub spread: f64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Job {
    pub id: String,
    /// Seconds from the start.
    pub submit: u64,
    /// A job with more GPUs than a node is a gang on whole nodes.
    pub gpus: u32,
    /// How long it works without an interruption. An interrupted job begins again from its beginning.
    pub seconds: u64,
    #[serde(default)]
    pub preemptible: bool,
}

/// Jobs that are generated: see generate.rs for the distributions and where they are from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Generate {
    pub seed: u64,
    pub days: u32,
    /// The share of all GPU time that the jobs ask for.
    pub load: f64,
    /// The largest gang, in GPUs.
    pub max_gpus: u32,
    /// The share of jobs that are preemptible.
    pub preemptible: f64,
}

#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    #[error("the trace can't be read: {0}")]
    Json(#[from] serde_json::Error),
    #[error("{field}: {value} {expected}")]
    Field { field: String, value: String, expected: &'static str },
}

impl Trace {
    /// Reads a trace, checks it and generates its jobs if it says so.
    pub fn read(text: &str) -> Result<Self, TraceError> {
        let mut trace: Self = serde_json::from_str(text)?;
        trace.check()?;
        if let Some(generate) = &trace.generate {
            trace.jobs = generate.jobs(&trace.fleet);
        }
        trace.jobs.sort_by(|a, b| (a.submit, &a.id).cmp(&(b.submit, &b.id)));
        Ok(trace)
    }

    fn check(&self) -> Result<(), TraceError> {
        let fleet = &self.fleet;
        let part = |value: f64| (0.0..=1.0).contains(&value);
        field("format", &self.format, self.format == FORMAT, "is not known: expected podlift.trace/v1")?;
        let some = "is too small: expected at least 1";
        field(
            "fleet.nodes",
            fleet.nodes,
            (1..=10_000).contains(&fleet.nodes),
            "is out of range: expected 1 to 10000",
        )?;
        field("fleet.gpus-per-node", fleet.gpus_per_node, fleet.gpus_per_node > 0, some)?;
        field("fleet.nodes-per-rack", fleet.nodes_per_rack, fleet.nodes_per_rack > 0, some)?;
        let days = self.upgrades.at_days.iter();
        for (at, day) in days.enumerate() {
            let fine = (0.0..=3660.0).contains(day);
            field(&format!("upgrades.at-days[{at}]"), day, fine, "is no day: expected 0 to 3660")?;
        }
        let lane = self.upgrades.lane_seconds;
        field("upgrades.lane-seconds", lane, lane > 0, some)?;
        field(
            "upgrades.spread",
            self.upgrades.spread,
            part(self.upgrades.spread),
            "is no part: expected 0 to 1",
        )?;
        for (at, job) in self.jobs.iter().enumerate() {
            job.check(at, fleet)?;
        }
        let both = self.generate.is_some() && !self.jobs.is_empty();
        field("generate", "beside jobs,", !both, "is one source too many: expected jobs or generate")?;
        self.generate.as_ref().map_or(Ok(()), |generate| generate.check(fleet))
    }
}

impl Job {
    fn check(&self, at: usize, fleet: &FleetSpec) -> Result<(), TraceError> {
        let (nodes, per_node) = (fleet.nodes as u64, u64::from(fleet.gpus_per_node));
        let gpus = u64::from(self.gpus);
        let fits =
            gpus > 0 && gpus <= nodes * per_node && (gpus <= per_node || gpus.is_multiple_of(per_node));
        let expected =
            "does not fit: expected at most a node's GPUs, or a multiple of them that the fleet has";
        field(&format!("jobs[{at}].gpus"), self.gpus, fits, expected)?;
        field(
            &format!("jobs[{at}].seconds"),
            self.seconds,
            self.seconds > 0,
            "is no length: expected at least 1",
        )
    }
}

impl Generate {
    fn check(&self, fleet: &FleetSpec) -> Result<(), TraceError> {
        let part = |value: f64| (0.0..=1.0).contains(&value);
        let days = "is out of range: expected 1 to 730";
        field("generate.days", self.days, (1..=730).contains(&self.days), days)?;
        let load = "is no load: expected more than 0, at most 1";
        field("generate.load", self.load, self.load > 0.0 && part(self.load), load)?;
        let all = fleet.nodes as u64 * u64::from(fleet.gpus_per_node);
        let most = self.max_gpus > 0 && u64::from(self.max_gpus) <= all;
        field(
            "generate.max-gpus",
            self.max_gpus,
            most,
            "is out of range: expected 1 to the GPUs of the fleet",
        )?;
        let preemptible = self.preemptible;
        field("generate.preemptible", preemptible, part(preemptible), "is no part: expected 0 to 1")
    }
}

fn field(field: &str, value: impl ToString, fine: bool, expected: &'static str) -> Result<(), TraceError> {
    if fine {
        return Ok(());
    }
    Err(TraceError::Field { field: field.into(), value: value.to_string(), expected })
}
