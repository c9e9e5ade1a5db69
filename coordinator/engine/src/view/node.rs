//! `podlift status NODE`: everything that is known of one node, each part with its source and age.

use super::status::{NodeRow, SeenNode};
use crate::machine::{Event, Record, RunState, StepStatus};
use jiff::Timestamp;
use podlift_model::facts::ManifestFacts;
use podlift_model::heal::HealEvent;
use podlift_model::op::Component;
use podlift_model::{ClusterName, Digest, Epoch, NodeFacts, NodeName, RunId, StepId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub const SCHEMA: &str = "podlift.node/v1";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeDetail {
    pub schema: String,
    pub cluster: ClusterName,
    pub at: Timestamp,
    /// As `podlift status` shows it.
    pub row: NodeRow,
    /// The agent's last observation, made `row.age_seconds` before `at`.
    pub facts: NodeFacts,
    pub manifests: Vec<ManifestDetail>,
    /// The highest epoch that its agent has accepted; `None` if the agent is not connected or has accepted none yet.
    pub epoch: Option<Epoch>,
    /// Seconds since its agent connected, without a break.
    pub session_seconds: Option<u64>,
    /// Container runtime, as the cluster reported it when the plan was made.
    pub runtime: Option<String>,
    /// Labels, as the cluster had them when the plan was made; empty if there was no run.
    pub labels: BTreeMap<String, String>,
    pub run: Option<RunId>,
    pub steps: Vec<NodeStep>,
    pub heals: Vec<HealEvent>,
    /// The last records about this node, oldest first, from all runs.
    pub events: Vec<Record>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ManifestDetail {
    pub component: Component,
    pub image: String,
    pub sha256: Digest,
    /// Hash of the flags as a set. It is equal if two nodes run the component with the same flags, whatever the order in the file.
    pub flags_sha256: Digest,
    pub health: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeStep {
    pub step: StepId,
    /// pending, waiting, started, ended, done, failed, skipped
    pub status: String,
    pub attempts: u32,
    pub began: Option<Timestamp>,
    pub ended: Option<Timestamp>,
    pub seconds: Option<f64>,
    /// What was seen, or why the step waits, failed or was skipped.
    pub evidence: String,
}

/// Inputs of the view that can't be folded from a run.
pub struct Around {
    pub epoch: Option<Epoch>,
    pub connected_since: Option<Timestamp>,
    /// The last records about the node (`subject`), oldest first.
    pub events: Vec<Record>,
    /// Every heal of the node, oldest first.
    pub heals: Vec<HealEvent>,
}

pub fn node(
    cluster: &ClusterName,
    now: Timestamp,
    state: Option<&RunState>,
    (seen, row): (&SeenNode, NodeRow),
    around: Around,
) -> NodeDetail {
    let name = &seen.facts.node;
    let entry = state.and_then(|s| s.plan.inventory.get(name));
    let since = |t: Timestamp| now.duration_since(t).as_secs().max(0) as u64;
    NodeDetail {
        schema: SCHEMA.into(),
        cluster: cluster.clone(),
        at: now,
        manifests: seen.facts.manifests.iter().map(|m| manifest(m, &seen.facts, state)).collect(),
        epoch: around.epoch,
        session_seconds: around.connected_since.map(since),
        runtime: entry.and_then(|e| e.view.runtime.clone()),
        labels: entry.map(|e| e.view.labels.clone()).unwrap_or_default(),
        run: state.map(|s| s.run.clone()),
        steps: state.map(|s| steps(s, name, now)).unwrap_or_default(),
        heals: around.heals,
        events: around.events,
        facts: seen.facts.as_ref().clone(),
        row,
    }
}

fn manifest(m: &ManifestFacts, facts: &NodeFacts, state: Option<&RunState>) -> ManifestDetail {
    ManifestDetail {
        component: m.component,
        image: m.image.clone(),
        sha256: m.sha256.clone(),
        flags_sha256: Digest::of(serde_json::to_vec(&m.flags).unwrap_or_default()),
        health: health(m, facts, state),
    }
}

/// States only what was seen: whether the file can be read and, for the API server, whether its own address answers.
fn health(m: &ManifestFacts, facts: &NodeFacts, state: Option<&RunState>) -> String {
    if let Some(why) = &m.unreadable {
        return format!("unreadable: {why}");
    }
    if let Some(why) = &m.opaque {
        return why.clone();
    }
    let down = state.iter().flat_map(|s| &s.outages).find(|o| {
        o.milliseconds.is_none()
            && m.component == Component::KubeApiserver
            && facts.advertise.as_ref() == Some(&o.endpoint)
    });
    match down {
        Some(outage) => format!("does not answer: {}", outage.why),
        None => "readable".into(),
    }
}

fn steps(s: &RunState, node: &NodeName, now: Timestamp) -> Vec<NodeStep> {
    s.steps_of(node)
        .map(|(x, state)| {
            let (status, evidence) = told(&state.status);
            let until = state.ended.unwrap_or(now);
            let seconds = state.began.map(|began| until.duration_since(began).as_millis() as f64 / 1000.0);
            NodeStep {
                step: x.id.clone(),
                status: status.into(),
                attempts: state.attempts,
                began: state.began,
                ended: state.ended,
                seconds: seconds.map(|s| s.max(0.0)),
                evidence,
            }
        })
        .collect()
}

fn told(status: &StepStatus) -> (&'static str, String) {
    match status {
        StepStatus::Pending => ("pending", String::new()),
        StepStatus::Waiting { reason } => ("waiting", reason.clone()),
        StepStatus::Started { op_id, .. } => ("started", format!("op {op_id}")),
        StepStatus::Ended { op_id, .. } => ("ended", format!("op {op_id} ended, not judged yet")),
        StepStatus::Done { evidence } => ("done", evidence.what().into()),
        StepStatus::Failed { reason } => ("failed", reason.message.clone()),
        StepStatus::Skipped { reason } => ("skipped", reason.clone()),
    }
}

/// The subject of an event: a node's name, or the address of an API server. A journal keeps an index of it. Step ids are `phase/node/verb`;
/// an id without a node is about the cluster.
pub fn subject(event: &Event) -> Option<&str> {
    match event {
        Event::StepStarted { step, .. }
        | Event::OpEnded { step, .. }
        | Event::StepWaiting { step, .. }
        | Event::StepDone { step, .. }
        | Event::StepFailed { step, .. }
        | Event::RetryAsked { step: Some(step), .. } => node_of(step),
        Event::NodeDeferred { node, .. }
        | Event::NodeIncluded { node, .. }
        | Event::NodeUndone { node, .. }
        | Event::DevicesOverridden { node, .. }
        | Event::NodeSetAside { node, .. }
        | Event::NodeLost { node, .. }
        | Event::NodeReleased { node, .. }
        | Event::AgentConnected { node, .. }
        | Event::AgentLost { node }
        | Event::MachineRefused { node, .. }
        | Event::LedgerChanged { node, .. } => Some(node.as_str()),
        Event::Healed { heal } => Some(heal.node.as_str()),
        Event::ApiDown { endpoint, .. }
        | Event::ApiUp { endpoint, .. }
        | Event::ApiProbed { endpoint, .. } => Some(endpoint),
        _ => None,
    }
}

fn node_of(step: &StepId) -> Option<&str> {
    let mut parts = step.as_str().rsplitn(3, '/').skip(1);
    let node = parts.next()?;
    parts.next().map(|_| node)
}

/// Names similar to `wanted`, nearest first, as suggestions. At most three, and none that differs much.
pub fn nearest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut near: Vec<(usize, &str)> = known
        .into_iter()
        .map(|n| (distance(wanted, n), n))
        .filter(|(d, n)| *d <= n.len().max(3) / 2)
        .collect();
    near.sort();
    near.into_iter().take(3).map(|(_, n)| n).collect()
}

/// The Levenshtein distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut before = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = before + usize::from(x != *y);
            before = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(before + 1);
        }
    }
    row[b.len()]
}
