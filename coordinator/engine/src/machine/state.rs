//! The state of a run: the fold of its events.

use super::accepted::Accepted;
use super::approval::Asked;
use super::batch::{BatchWait, ChosenBatch};
use super::learned::Learned;
use super::lost::LostObject;
use super::probed::Probed;
use super::step::{StepState, StepStatus};
use super::track::{LaneNumber, Steps, Track};
use super::words::{Decision, Note};
use crate::program::{Attestation, Phase, Program, StepSpec, StopReason, Waiver};
use jiff::Timestamp;
use podlift_model::heal::HealEvent;
use podlift_model::op::DeviceOverride;
use podlift_model::{Digest, NodeName, OpId, RunId, StepId};
use rpds::RedBlackTreeSetSync;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "status")]
pub enum RunStatus {
    Running,
    Paused { reason: StopReason },
    Aborting { by: String, reason: String },
    Aborted { undone: Vec<String>, left: Vec<String> },
    Succeeded,
}

/// The sealed backup, made before the run changes anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Seal {
    pub hash: Digest,
    pub revision: u64,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Healed {
    pub at: Timestamp,
    pub heal: HealEvent,
}

/// A time in which an API endpoint did not answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outage {
    pub endpoint: String,
    pub from: Timestamp,
    pub why: String,
    /// `None` if the outage lasts.
    pub milliseconds: Option<u64>,
}

/// What an operator has approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Approval {
    pub by: String,
    /// The approved part of the run, as the pause named it.
    pub what: String,
    pub at: Timestamp,
}

/// A waiver that an operator has lifted during the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lifted {
    pub check: String,
    pub by: String,
    pub at: Timestamp,
}

/// A person's decision that a node may be changed although its devices are in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Overridden {
    pub node: NodeName,
    pub reason: String,
    pub by: String,
    pub at: Timestamp,
}

/// A worker that has failed within the budget of failures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Aside {
    /// The step that has failed.
    pub step: StepId,
    pub reason: StopReason,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunState {
    pub run: RunId,
    /// The program that the run executes.
    pub plan: Arc<Program>,
    pub by: String,
    pub started: Timestamp,
    /// Time of the last event.
    pub last: Timestamp,
    pub ended: Option<Timestamp>,
    #[serde(flatten)]
    pub status: RunStatus,
    pub steps: Steps,
    #[serde(skip)]
    pub(super) track: Track,
    /// Waivers that are in force.
    pub waivers: Vec<Waiver>,
    /// Nodes that are left out, each with the reason that was given.
    pub deferred: BTreeMap<NodeName, String>,
    /// Deferred nodes that plans leave out until a time.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub deferred_until: BTreeMap<NodeName, Timestamp>,
    /// Batches of lanes in the order in which they were chosen.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub batches: Vec<ChosenBatch>,
    /// Why no lane was chosen at the last look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_waits: Option<BatchWait>,
    /// When that was recorded.
    #[serde(skip)]
    pub(super) waits_since: Option<Timestamp>,
    /// Jobs that the batches of this run interrupt, with the time of the last one.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub interrupted: BTreeMap<String, Timestamp>,
    /// How long its steps have taken.
    #[serde(skip)]
    pub(super) learned: Learned,
    /// The head node that acts now; `None` while it is the one of the plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) head: Option<NodeName>,
    /// Chosen lanes that are not over.
    #[serde(skip)]
    pub(super) admitted: RedBlackTreeSetSync<LaneNumber>,
    /// The phase of which lanes were chosen, or had to wait, last, and when that was first so.
    #[serde(skip)]
    pub(super) choosing_since: Option<(usize, Timestamp)>,
    /// Jobs on more nodes than may be unavailable whose interruption an operator has approved, with the time. What such a job begins
    /// afterwards is not meant.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub agreed: BTreeMap<String, Timestamp>,
    /// Nodes that have left the run, and on which what the run has put there is still to be undone.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub undo_due: BTreeSet<NodeName>,
    /// What that undo has left on a node; each line names the next command.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub left: BTreeMap<NodeName, Vec<String>>,
    /// Failed workers without which the run goes on. Their cordons stay.
    pub set_aside: BTreeMap<NodeName, Aside>,
    /// Workers whose cordon somebody has taken over, and without which an operator lets the run go on.
    #[serde(skip)]
    pub(super) goes_on_without: BTreeSet<NodeName>,
    /// Workers that the run has deferred by itself: they were away when their turn came, or a pod forbids their drain.
    #[serde(skip)]
    pub gave_up: BTreeSet<NodeName>,
    /// Workers that the site's policy has left out.
    #[serde(skip)]
    pub(super) left_by_policy: BTreeSet<NodeName>,
    /// Workers of which an operator has accepted that the policy leaves them out.
    #[serde(skip)]
    pub(super) left_accepted: BTreeSet<NodeName>,
    /// Differences that an operator has accepted, by the step that had shown them.
    #[serde(skip)]
    pub(super) accepted: BTreeMap<StepId, Accepted>,
    /// Nodes that an operator has declared lost, with that person. They are deferred, too.
    pub lost: BTreeMap<NodeName, String>,
    /// Workers that may be unavailable at once: the plan's number, or a later one of an operator.
    pub max_unavailable: u32,
    /// The pause was asked for at once: only ops that are running end.
    pub pauses_now: bool,
    /// The abort was asked for twice: nothing more is undone, and what is left is listed.
    pub undo_stopped: bool,
    /// Attestations of the plan, and those that were given during the run.
    pub attestations: Vec<Attestation>,
    pub approvals: Vec<Approval>,
    /// Decisions that nodes may be changed although their devices are in use.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub overridden: Vec<Overridden>,
    /// Those of them whose lane is not over, with the reason.
    #[serde(skip)]
    pub(super) overrides: BTreeMap<NodeName, String>,
    /// Waivers of the plan that are not in force any more.
    pub lifted: Vec<Lifted>,
    pub seal: Option<Seal>,
    pub heals: Vec<Healed>,
    pub outages: Vec<Outage>,
    /// Counts of each API endpoint while the run changed the control plane.
    pub probed: BTreeMap<String, Probed>,
    /// The same for writes.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub writes: BTreeMap<String, Probed>,
    /// The same for watches.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub watches: BTreeMap<String, Probed>,
    /// What persons have decided about items by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub items: BTreeMap<String, Decision>,
    /// Objects that went or changed while the run was open, and what was done about each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lost_objects: Vec<LostObject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<Note>,
    /// Ops whose outcome is unknown, with the result of the look that followed.
    pub indeterminate: Vec<(StepId, OpId, String)>,
    /// Number of a phase to its last approval.
    #[serde(skip)]
    pub(super) approved: BTreeMap<usize, Asked>,
    /// What the pause asks for, if it waits for an approval.
    #[serde(skip)]
    pub(super) asked: Option<Asked>,
    /// How often an operator has let the run go on, by a resume, a retry or an approval. The limit of each wait begins anew then.
    #[serde(skip)]
    pub continued: u32,
    /// Number of records that belong to this run.
    pub events: u64,
}

impl RunState {
    pub fn step(&self, id: &StepId) -> Option<&StepState> {
        self.steps.get(id)
    }
    /// The head node whose agent runs BCM's tools now: the plan's, or the one to which BCM has failed over since. `None` without BCM.
    pub fn head(&self) -> Option<&NodeName> {
        let planned = || self.plan.bcm.as_ref().map(|bcm| &bcm.head);
        self.head.as_ref().or_else(planned)
    }
    pub fn waived(&self, check: &str) -> Option<&Waiver> {
        self.waivers.iter().find(|w| w.check == check)
    }
    /// The waiver that accepts that this node loses this setting.
    pub fn waives_loss(&self, node: &NodeName, name: &str) -> Option<&Waiver> {
        self.waivers.iter().find(|w| w.covers(node, name))
    }
    /// Why this node may not be left out of the run now; `None` if it may. A control-plane node whose API server is behind must be brought
    /// to the end, because the kubelets that follow would be newer than it.
    pub fn why_not_defer(&self, node: &NodeName) -> Option<String> {
        let server = self.behind().find(|n| *n == node)?;
        let to = self.plan.to();
        Some(format!(
            "the API server of control-plane node {server} is not at {} yet, and no kubelet may be newer than an API server: bring the node back and retry, or abort the run; if the machine will never come back: podlift node lost {server}",
            to.minor()
        ))
    }

    /// Whether the lane that brings the node to the run's version is done, whatever remains to be verified.
    pub fn is_upgraded(&self, node: &NodeName) -> bool {
        let brings = |(spec, _): &(&StepSpec, _)| spec.kind.step().brings_to().is_some();
        let Some((last, _)) = self.steps_of(node).filter(brings).last() else { return false };
        self.steps_of(node).filter(|(spec, _)| spec.phase == last.phase).all(|(_, step)| step.is_done())
    }

    /// The override for ops of this node, if a person has given one and its lane is not over.
    pub fn device_override(&self, node: &NodeName) -> Option<DeviceOverride> {
        let reason = self.overrides.get(node)?.clone();
        Some(DeviceOverride { node: node.clone(), reason })
    }

    /// Whether the run goes on without this node.
    pub fn goes_without(&self, node: &NodeName) -> bool {
        self.deferred.contains_key(node) || self.set_aside.contains_key(node)
    }

    /// Whether the run has left workers out that nobody had asked it to: failed ones, those that were away, and those of the policy.
    pub fn went_without_some(&self) -> bool {
        !(self.set_aside.is_empty() && self.gave_up.is_empty() && self.left_by_policy.is_empty())
    }

    /// Why the node was deferred, with what stays on it; `None` if it was not.
    pub fn why_deferred(&self, node: &NodeName) -> Option<String> {
        let left = self.left.get(node).into_iter().flatten();
        let until =
            self.deferred_until.get(node).map(|until| format!(" (until {until})")).unwrap_or_default();
        let reason = format!("{}{until}", self.deferred.get(node)?);
        Some(left.fold(reason, |reason, line| format!("{reason}; {line}")))
    }

    /// Whether the node may carry a cordon of this run: its cordon was sent, the answer does not say that it failed, and it was not given
    /// back again.
    pub fn left_cordoned(&self, node: &NodeName) -> bool {
        let cordons =
            self.steps_of(node).filter(|(spec, _)| spec.kind.step().counterpart() == Some(UNCORDON));
        let unknown = |id: &StepId| self.indeterminate.iter().any(|(of, _, _)| of == id);
        let sent = |spec: &StepSpec, step: &StepState| {
            let failed = matches!(step.status, StepStatus::Failed { .. }) && !unknown(&spec.id);
            step.ever_acted || (step.attempts > 0 && !failed)
        };
        cordons.filter(|(spec, step)| sent(spec, step)).any(|(cordon, _)| {
            let mut lane = self.steps_of(node).filter(|(spec, _)| spec.phase == cordon.phase);
            !lane.any(|(spec, step)| spec.kind.step().verb() == UNCORDON && step.is_done())
        })
    }

    /// Control-plane nodes whose API server is of an older minor than the run's target, by the plan's facts and the steps that are done.
    pub fn behind(&self) -> impl Iterator<Item = &NodeName> {
        let minor = self.plan.to().minor();
        let old = self.plan.inventory.control_planes();
        let old = old.filter(move |n| n.api_server_version().is_none_or(|v| v.minor() < minor));
        old.map(|n| &n.name).filter(|node| !self.lost.contains_key(*node)).filter(|node| {
            // kubeadm has raised it only if it was seen to serve afterwards, in the same lane.
            let raised = |phase: &str| {
                let mut lane = self.steps_of(node).filter(|(spec, _)| spec.phase == phase);
                lane.all(|(spec, step)| {
                    let kind = spec.kind.step();
                    step.is_done() || !(kind.raises_api_server() || kind.verifies_api_server())
                })
            };
            let mut raising = self.steps_of(node).filter(|(spec, _)| spec.kind.step().raises_api_server());
            !raising.any(|(spec, _)| raised(&spec.phase))
        })
    }

    /// Whether this node's lane waits at the end of the line, because the node can't be worked on now.
    pub fn is_away(&self, node: &NodeName) -> bool {
        self.steps_of(node).any(|(spec, step)| {
            spec.kind.step().yields() && matches!(step.status, StepStatus::Waiting { .. })
        })
    }

    pub fn is_over(&self) -> bool {
        matches!(self.status, RunStatus::Aborted { .. } | RunStatus::Succeeded)
    }
    pub fn failed_steps(&self) -> impl Iterator<Item = (&StepSpec, &StopReason)> {
        self.track.failed.iter().filter_map(|at| {
            let spec = self.track.at(&self.plan, *at)?;
            match &self.steps.get(&spec.id)?.status {
                StepStatus::Failed { reason } => Some((spec, reason)),
                _ => None,
            }
        })
    }
    /// Steps that have an op under way, or may have one.
    pub fn open_steps(&self) -> impl Iterator<Item = &StepSpec> {
        self.track.open.iter().filter_map(|at| self.track.at(&self.plan, *at))
    }
    /// The step of the plan with this id.
    pub fn spec(&self, id: &StepId) -> Option<&StepSpec> {
        self.track.spec(&self.plan, id)
    }
    /// The steps of one node, with their states.
    pub fn steps_of(&self, node: &NodeName) -> impl Iterator<Item = (&StepSpec, &StepState)> {
        self.track.of_node(&self.plan, node).filter_map(|spec| Some((spec, self.steps.get(&spec.id)?)))
    }
    pub fn steps_over(&self) -> usize {
        self.track.over
    }
    /// The first phase that is not over.
    pub fn phase(&self) -> Option<&Phase> {
        self.plan.phases.get(self.track.phase()?)
    }
    /// The op id of the next attempt at a step: `<run>-s<number>-a<attempt>`.
    pub fn next_op(&self, step: &StepSpec) -> (u32, OpId) {
        let attempt = self.steps.get(&step.id).map_or(0, |s| s.attempts) + 1;
        (attempt, op_id(&self.run, step, attempt))
    }
}

pub(super) const UNCORDON: &str = "uncordon";

pub(super) fn op_id(run: &RunId, step: &StepSpec, attempt: u32) -> OpId {
    // Run ids are tokens of at most 40 characters here, and the suffix keeps the form of a token.
    OpId::new(format!("{run}-s{:04}-a{attempt}", step.number)).unwrap_or_else(|e| unreachable!("{e}"))
}
