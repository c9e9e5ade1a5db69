//! The trait and what goes in and out of it.

use crate::doors::{Act, BackupView, ClusterReply, Probe, Reply};
use crate::inventory::NodeRole;
use crate::machine::{RunState, StopReason};
use crate::plan::{Finding, Plan, StepSpec};
use podlift_model::{Digest, HostOp, Look, NodeFacts, NodeName, OpOutput};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a step may know: the plan, the run so far, itself.
pub struct Cx<'a> {
    pub state: &'a RunState,
    pub step: &'a StepSpec,
    /// Lanes of the same phase before this one that are at work.
    pub ahead: u32,
    /// An op of this step, in this attempt, ended as Done.
    pub acted: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Assess {
    /// The goal is reached; nothing to do, or nothing more.
    Done(Evidence),
    /// Not reached, and `act` may be called now.
    Ready,
    /// Not reached, and time may help.
    Wait(String),
    /// Not reached, and time won't help.
    Blocked(StopReason),
}

/// Why a step counts as done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "evidence")]
pub enum Evidence {
    Seen {
        what: String,
    },
    BackupSealed {
        hash: Digest,
        revision: u64,
        what: String,
        /// The set off the nodes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        backup: Option<Box<BackupView>>,
    },
    /// What differs from before the run and was no reason to stop.
    Compared {
        what: String,
        findings: Vec<Finding>,
    },
}

impl Evidence {
    pub fn what(&self) -> &str {
        match self {
            Evidence::Seen { what }
            | Evidence::BackupSealed { what, .. }
            | Evidence::Compared { what, .. } => what,
        }
    }
}

/// Time limits and what a failure means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// How long the step may wait, for its turn or for its effect, before it fails.
    pub wait: Duration,
    /// Time between two looks.
    pub poll: Duration,
    /// The goal must hold without a break for this long.
    pub soak: Duration,
    /// How often a transient failure is tried again by itself.
    pub retries: u32,
    /// Whether an op whose end nobody knows may be run anew when the look says that the goal is not reached.
    pub repeatable: bool,
}

pub trait Step: Sync {
    /// What to look at.
    fn probe(&self, cx: &Cx) -> Probe;
    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess;
    /// The one change, given what the probe just saw; None for a step that only judges.
    fn act(&self, cx: &Cx, reply: &Reply) -> Option<Act>;
    /// The way back that an abort takes; local and safe only.
    fn undo(&self, _cx: &Cx) -> Option<Act> {
        None
    }
    fn policy(&self, cx: &Cx) -> Policy {
        cx.policy()
    }
}

impl<'a> Cx<'a> {
    pub fn plan(&self) -> &'a Plan {
        &self.state.plan
    }
    /// The step's node. Steps of the cluster as a whole have none; they ask the first control-plane node where they need one.
    pub fn node(&self) -> NodeName {
        let node = self.step.node.as_ref().or_else(|| self.plan().first());
        node.cloned().unwrap_or_else(|| unreachable!("a plan has a control-plane node: the planner checked"))
    }
    pub fn role(&self) -> NodeRole {
        self.plan().inventory.get(&self.node()).map_or(NodeRole::Worker, |n| n.role)
    }
    pub fn look(&self, look: Look) -> Probe {
        Probe::Node(self.node(), look)
    }
    pub fn host(&self, op: HostOp) -> Option<Act> {
        Some(Act::Node(self.node(), op))
    }
    /// The usual limits.
    pub fn policy(&self) -> Policy {
        Policy {
            wait: Duration::from_secs(self.plan().options.wait_seconds.into()),
            poll: Duration::from_secs(1),
            soak: Duration::ZERO,
            retries: 3,
            repeatable: true,
        }
    }
}

pub fn done(what: impl Into<String>) -> Assess {
    Assess::Done(Evidence::Seen { what: what.into() })
}

pub fn blocked(code: &str, message: impl Into<String>, next: impl Into<String>) -> Assess {
    let (message, next) = (message.into(), next.into());
    Assess::Blocked(StopReason {
        code: code.into(),
        message,
        detail: String::new(),
        undone: String::new(),
        next,
    })
}

/// A reply of a kind that the probe did not ask for: a fault of ours or of the other side, never to be guessed around.
pub fn odd(reply: &Reply) -> Assess {
    let text = format!("{reply:?}");
    blocked(
        "odd-reply",
        format!("unexpected reply to a probe: {}", text.chars().take(200).collect::<String>()),
        "podlift retry",
    )
}

/// Facts out of a reply.
pub fn facts(reply: &Reply) -> Option<&NodeFacts> {
    match reply {
        Reply::Node(output) => match output.as_ref() {
            OpOutput::Facts(facts) => Some(facts),
            _ => None,
        },
        _ => None,
    }
}

pub fn output(reply: &Reply) -> Option<&OpOutput> {
    match reply {
        Reply::Node(output) => Some(output),
        _ => None,
    }
}

pub fn cluster(reply: &Reply) -> Option<&ClusterReply> {
    match reply {
        Reply::Cluster(reply) => Some(reply),
        _ => None,
    }
}

pub fn many(reply: &Reply) -> &[Reply] {
    match reply {
        Reply::All(replies) => replies,
        _ => &[],
    }
}
