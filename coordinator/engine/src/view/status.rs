//! `podlift status`: the fleet as a table, each row with the age of its data.

use super::bcm::{AtHead, at_head};
use super::eta::{Eta, eta};
use super::sentinel::SentinelView;
use super::times::Lanes;
use crate::inventory::{NodeEntry, NodeRole};
use crate::machine::{
    Aside, BatchWait, ChosenBatch, Next, Probed, RunState, RunStatus, StepStatus, batch_due, next,
};
use crate::program::{GoalName, StepSpec, StopReason};
use jiff::Timestamp;
use podlift_model::facts::GuardState;
use podlift_model::{ClusterName, Epoch, KubeVersion, NodeFacts, NodeName, RunId, StepId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub const SCHEMA: &str = "podlift.status/v1";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Status {
    pub schema: String,
    pub cluster: ClusterName,
    pub at: Timestamp,
    pub coordinator: String,
    pub epoch: Option<Epoch>,
    /// Why this coordinator only reads; `None` if it does not.
    pub read_only: Option<String>,
    pub run: Option<RunSummary>,
    /// Result of the selector, if one was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selection: Option<Selection>,
    /// When the run is expected to end; `None` until the first worker is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eta: Option<Eta>,
    pub nodes: Vec<NodeRow>,
    /// What the sentinel sees; `None` if it is off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sentinel: Option<SentinelView>,
}

/// Result of a selector on the fleet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Selection {
    pub selector: String,
    pub matched: u32,
    pub of: u32,
    /// The existing keys, listed if nothing matched, because the selector may have a wrong key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunSummary {
    pub run: RunId,
    /// running, paused, aborting, aborted, succeeded
    pub status: String,
    pub from: KubeVersion,
    pub to: KubeVersion,
    /// The goal of the run; absent if it is an upgrade.
    #[serde(default, skip_serializing_if = "GoalName::is_upgrade")]
    pub goal: GoalName,
    pub by: String,
    pub started: Timestamp,
    pub ended: Option<Timestamp>,
    /// Title of the current phase.
    pub phase: Option<String>,
    pub steps_done: u32,
    pub steps: u32,
    pub heals: u32,
    /// Ops whose outcome is unknown.
    pub indeterminate: u32,
    pub paused: Option<StopReason>,
    /// Failed workers without which the run goes on, each with its reason and whether it is left cordoned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<FailedNode>,
    /// True if lanes that have begun are still on their way to their end, although the run has failed or is paused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub finishing: bool,
    /// Workers that may be unavailable at once now, if an operator has changed the plan's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_unavailable: Option<u32>,
    /// Reads of an object at each API endpoint while the run changed the control plane.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reads: BTreeMap<String, Probed>,
    /// The same for dry-run writes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub writes: BTreeMap<String, Probed>,
    /// The same for the watches that were kept open.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub watches: BTreeMap<String, Probed>,
    /// The item for whose approval the run waits: `podlift approve ITEM`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub awaits: Option<String>,
    /// The newest batch of which a lane is not over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<ChosenBatch>,
    /// The step that the head node is at: software images, BCM's books.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_head: Option<AtHead>,
    /// Why no lane may begin now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits: Option<BatchWait>,
}

/// A failed worker without which the run goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FailedNode {
    pub name: NodeName,
    /// The step that has failed.
    pub step: StepId,
    pub reason: StopReason,
    /// True if the run's cordon stays on it.
    pub cordoned: bool,
}

/// The failed workers of a run that were set aside.
pub(super) fn failed(s: &RunState) -> Vec<FailedNode> {
    let one = |(node, aside): (&NodeName, &Aside)| FailedNode {
        name: node.clone(),
        step: aside.step.clone(),
        reason: aside.reason.clone(),
        cordoned: s.left_cordoned(node),
    };
    s.set_aside.iter().map(one).collect()
}

pub(super) fn aside_reason(s: &RunState, node: &NodeName, aside: &Aside) -> String {
    let left = if s.left_cordoned(node) { "left cordoned" } else { "not cordoned" };
    format!("failed, {left}: {}", aside.reason.message)
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeRow {
    pub name: NodeName,
    pub role: NodeRole,
    /// pending, working, waiting, upgraded, failed, deferred, lost; idle if no run is open.
    pub state: String,
    pub kubelet: Option<KubeVersion>,
    pub api_server: Option<KubeVersion>,
    /// The step that is at work or has failed.
    pub step: Option<String>,
    pub reason: Option<String>,
    /// steady, armed, off
    pub guard: String,
    pub connected: bool,
    pub age_seconds: u64,
    /// True if it is older than three heartbeats.
    pub stale: bool,
    #[serde(default)]
    pub kubeadm: Option<KubeVersion>,
    /// Version of the agent.
    #[serde(default)]
    pub agent: String,
    /// Free bytes below /var.
    #[serde(default)]
    pub free_bytes: u64,
    /// How long the run has worked on the node, or works on it now: the time of its lane in which it is changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// The median of the lanes that are over on nodes of its role and model. Absent while `seconds` is, and until one is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usual_seconds: Option<f64>,
    /// Its lane has taken more than twice as long as all but the slowest twentieth of these, of which there are three at least.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
}

/// A node as the coordinator last saw it.
#[derive(Debug, Clone)]
pub struct SeenNode {
    /// Shared, so that a status of thousands of nodes copies no facts.
    pub facts: Arc<NodeFacts>,
    pub at: Timestamp,
    pub connected: bool,
}

/// Makes the view. `state` is the newest run; `stale_after` is in seconds.
pub fn status(
    cluster: &ClusterName,
    now: Timestamp,
    state: Option<&RunState>,
    nodes: &[SeenNode],
    stale_after: u64,
) -> Status {
    let fleet = state.map(|state| Fleet::of(state, now));
    Status {
        schema: SCHEMA.into(),
        cluster: cluster.clone(),
        at: now,
        coordinator: env!("CARGO_PKG_VERSION").into(),
        epoch: None,
        read_only: None,
        run: state.map(summary),
        selection: None,
        eta: state.and_then(|s| eta(s, now)),
        nodes: nodes.iter().map(|n| row(n, now, fleet.as_ref(), stale_after)).collect(),
        // The coordinator adds it.
        sentinel: None,
    }
}

pub fn summary(s: &RunState) -> RunSummary {
    let (status, paused) = match &s.status {
        RunStatus::Running => ("running", None),
        RunStatus::Paused { reason } => ("paused", Some(reason.clone())),
        RunStatus::Aborting { .. } => ("aborting", None),
        RunStatus::Aborted { .. } => ("aborted", None),
        RunStatus::Succeeded => ("succeeded", None),
    };
    RunSummary {
        run: s.run.clone(),
        status: status.into(),
        from: s.plan.from(),
        to: s.plan.to(),
        goal: s.plan.goal.name(),
        by: s.by.clone(),
        started: s.started,
        ended: s.ended,
        phase: s.phase().map(|p| p.title.clone()),
        steps_done: s.steps_over() as u32,
        steps: s.steps.size() as u32,
        heals: s.heals.len() as u32,
        indeterminate: s.indeterminate.len() as u32,
        paused,
        failed: failed(s),
        finishing: s.is_finishing(),
        max_unavailable: Some(s.max_unavailable).filter(|n| *n != s.plan.options.max_unavailable),
        reads: s.probed.clone(),
        writes: s.writes.clone(),
        watches: s.watches.clone(),
        awaits: s.awaited_item().map(|item| item.name().into()),
        batch: s.batch_at_work().cloned(),
        at_head: at_head(s),
        waits: s.batch_waits.clone().filter(|_| batch_due(s)),
    }
}

/// A run indexed by node, made once for all rows.
struct Fleet<'a> {
    state: &'a RunState,
    entries: BTreeMap<&'a NodeName, &'a NodeEntry>,
    /// Nodes whose turn it is, including those where only looks run.
    driven: BTreeSet<NodeName>,
    lanes: Lanes<'a>,
    /// Workers whose group has windows of its own that are closed now, each with the sentence for it.
    closed: BTreeMap<&'a NodeName, String>,
}

impl<'a> Fleet<'a> {
    fn of(state: &'a RunState, now: Timestamp) -> Self {
        let entries = state.plan.inventory.nodes.iter().map(|n| (&n.name, n)).collect();
        let driven = match next(state) {
            Next::Drive(todo) => todo.into_iter().filter_map(|t| t.step.node).collect(),
            Next::Succeed
            | Next::Pause(_)
            | Next::Defer { .. }
            | Next::SetAside { .. }
            | Next::Undo
            | Next::Rest => BTreeSet::new(),
        };
        Self { state, entries, driven, lanes: Lanes::of(state, now), closed: state.closed_groups(now) }
    }
}

fn row(n: &SeenNode, now: Timestamp, fleet: Option<&Fleet>, stale_after: u64) -> NodeRow {
    let age = now.duration_since(n.at).as_secs().max(0) as u64;
    let entry = fleet.and_then(|f| f.entries.get(&n.facts.node));
    let by_manifests = if n.facts.manifests.is_empty() { NodeRole::Worker } else { NodeRole::ControlPlane };
    let (node_state, step, reason) = fleet.map_or(("idle".into(), None, None), |f| work(f, &n.facts.node));
    let server =
        n.facts.manifests.iter().find(|m| m.component == podlift_model::op::Component::KubeApiserver);
    let time = fleet.and_then(|f| f.lanes.of_node(&n.facts.node));
    NodeRow {
        name: n.facts.node.clone(),
        role: entry.map_or(by_manifests, |e| e.role),
        state: node_state,
        kubelet: n.facts.kubelet,
        api_server: server.and_then(|m| m.version),
        step,
        reason,
        guard: guard(&n.facts.guard).into(),
        connected: n.connected,
        age_seconds: age,
        stale: !n.connected || age > stale_after,
        kubeadm: n.facts.kubeadm,
        agent: n.facts.agent_version.clone(),
        free_bytes: n.facts.free_bytes,
        seconds: time.map(|time| time.seconds),
        usual_seconds: time.and_then(|time| time.usual),
        late: time.is_some_and(|time| time.late),
    }
}

pub(super) fn guard(state: &GuardState) -> &'static str {
    match state {
        GuardState::Steady => "steady",
        GuardState::Armed { .. } => "armed",
        GuardState::Off => "off",
    }
}

/// (state, step, reason) of a node in a run.
fn work(fleet: &Fleet, node: &NodeName) -> (String, Option<String>, Option<String>) {
    let s = fleet.state;
    if let Some(reason) = s.why_deferred(node) {
        let state = if s.lost.contains_key(node) { "lost" } else { "deferred" };
        return (state.into(), None, Some(reason));
    }
    if let Some(aside) = s.set_aside.get(node) {
        return ("failed".into(), Some(aside.step.to_string()), Some(aside_reason(s, node, aside)));
    }
    let mine: Vec<_> = s.steps_of(node).collect();
    if mine.is_empty() {
        return ("idle".into(), None, None);
    }
    let at = |x: &StepSpec| Some(x.id.to_string());
    for (x, now) in &mine {
        match &now.status {
            StepStatus::Failed { reason } => return ("failed".into(), at(x), Some(reason.message.clone())),
            StepStatus::Started { .. } | StepStatus::Ended { .. } => return ("working".into(), at(x), None),
            StepStatus::Waiting { reason } => return ("waiting".into(), at(x), Some(reason.clone())),
            _ => {}
        }
    }
    match mine.iter().find(|(_, now)| !now.is_over()) {
        None => ("upgraded".into(), None, None),
        Some(_) if s.is_upgraded(node) => ("upgraded".into(), None, None),
        Some((x, _)) if fleet.driven.contains(node) => ("working".into(), at(x), None),
        Some(_) if s.is_over() => ("idle".into(), None, None),
        Some(_) => ("pending".into(), None, fleet.closed.get(node).cloned()),
    }
}
