//! The state of each node, ahead of the last status: the status comes every two seconds, a record at once.

use super::ring::cut;
use podlift_engine::machine::{RunState, StepStatus};
use podlift_engine::view::NodeRow;
use podlift_model::NodeName;
use serde::Serialize;
use std::collections::BTreeMap;

/// Characters of a reason.
const REASON: usize = 300;

/// A node on the map.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Cell {
    pub name: String,
    pub group: String,
    /// As in `podlift status`: failed, waiting, working, deferred, lost, pending, upgraded, idle.
    pub state: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub step: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Version of the kubelet; empty if it is not known.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// The agent is silent.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub stale: bool,
}

/// What the records of the run say of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Work {
    state: &'static str,
    step: String,
    reason: String,
}

/// Nodes of which the records say more than the last status.
#[derive(Debug, Default)]
pub(super) struct Works(BTreeMap<NodeName, Work>);

impl Works {
    /// Looks at one node of the run again.
    pub fn look(&mut self, run: &RunState, node: &NodeName) {
        match work(run, node) {
            Some(work) => self.0.insert(node.clone(), work),
            None => self.0.remove(node),
        };
    }

    /// Looks at all nodes of the run.
    pub fn look_at_all(&mut self, run: &RunState) {
        self.0.clear();
        run.plan.inventory.nodes.iter().for_each(|entry| self.look(run, &entry.name));
    }

    /// The cell of a row.
    pub fn cell(&self, row: &NodeRow, group: String) -> Cell {
        let (state, step, reason) = match self.0.get(&row.name) {
            Some(work) => (work.state.to_string(), work.step.clone(), work.reason.clone()),
            None => (
                row.state.clone(),
                row.step.clone().unwrap_or_default(),
                row.reason.clone().unwrap_or_default(),
            ),
        };
        Cell {
            name: row.name.to_string(),
            group,
            state,
            step: step.rsplit('/').next().unwrap_or_default().into(),
            reason: cut(&reason, REASON),
            version: row.kubelet.map(|version| version.to_string()).unwrap_or_default(),
            stale: row.stale,
        }
    }
}

/// `None` while no step of the node has begun or ended, and between two steps: then the status knows as much.
fn work(run: &RunState, node: &NodeName) -> Option<Work> {
    let of = |state, step: String, reason: String| Some(Work { state, step, reason });
    if let Some(reason) = run.why_deferred(node) {
        let state = if run.lost.contains_key(node) { "lost" } else { "deferred" };
        return of(state, String::new(), reason);
    }
    if let Some(aside) = run.set_aside.get(node) {
        return of("failed", aside.step.to_string(), aside.reason.message.clone());
    }
    let (mut any, mut over) = (false, true);
    for (spec, step) in run.steps_of(node) {
        any = true;
        over &= step.is_over();
        match &step.status {
            StepStatus::Failed { reason } => {
                return of("failed", spec.id.to_string(), reason.message.clone());
            }
            StepStatus::Started { .. } | StepStatus::Ended { .. } => {
                return of("working", spec.id.to_string(), String::new());
            }
            StepStatus::Waiting { reason } => return of("waiting", spec.id.to_string(), reason.clone()),
            _ => {}
        }
    }
    match any && over {
        true => of("upgraded", String::new(), String::new()),
        false => None,
    }
}
