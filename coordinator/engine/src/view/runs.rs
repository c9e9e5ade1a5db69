//! `podlift runs`: every run of the journal, newest first.

use super::status::{RunSummary, summary};
use crate::machine::{ArchivedRun, RunState};
use jiff::Timestamp;
use podlift_model::ClusterName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub const SCHEMA: &str = "podlift.runs/v1";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Runs {
    pub schema: String,
    pub cluster: ClusterName,
    pub at: Timestamp,
    pub runs: Vec<RunRow>,
    /// Runs whose records have moved to files beside the journal, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub archived: Vec<ArchivedRow>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ArchivedRow {
    #[serde(flatten)]
    pub run: ArchivedRun,
    /// Name of the archive file.
    pub file: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunRow {
    #[serde(flatten)]
    pub summary: RunSummary,
    /// Seconds from its start to its end, or to now.
    pub seconds: f64,
    /// Number of nodes in its plan.
    pub nodes: u32,
    /// Number of nodes that were deferred.
    pub deferred: u32,
}

pub fn runs<'a>(
    cluster: &ClusterName,
    now: Timestamp,
    states: impl IntoIterator<Item = &'a RunState>,
    mut archived: Vec<ArchivedRow>,
) -> Runs {
    let mut runs: Vec<RunRow> = states.into_iter().map(|s| row(s, now)).collect();
    runs.sort_by(|a, b| (b.summary.started, &b.summary.run).cmp(&(a.summary.started, &a.summary.run)));
    archived.sort_by(|a, b| (b.run.started, &b.run.run).cmp(&(a.run.started, &a.run.run)));
    Runs { schema: SCHEMA.into(), cluster: cluster.clone(), at: now, runs, archived }
}

fn row(s: &RunState, now: Timestamp) -> RunRow {
    let length = s.ended.unwrap_or(now).duration_since(s.started);
    RunRow {
        summary: summary(s),
        seconds: (length.as_millis() as f64 / 1000.0).max(0.0),
        nodes: s.plan.inventory.nodes.len() as u32,
        deferred: s.deferred.len() as u32,
    }
}
