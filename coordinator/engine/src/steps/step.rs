//! What every step says of itself, and what it does.

use super::Cx;
use crate::doors::{Act, Probe, Reply};
use crate::inventory::NodeRole;
use crate::kubeadm_config::ConfigRepair;
use crate::program::{Evidence, Shared, StopReason};
use podlift_model::KubeVersion;
use std::time::Duration;

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

/// What a step may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Touches {
    /// It only judges.
    Nothing,
    /// podlift's own backups.
    Backup,
    /// A node, or what the cluster runs: only after the backup is sealed.
    Cluster,
}

pub trait Step: Sync {
    /// Last part of the step's id.
    fn verb(&self) -> String;

    fn touches(&self) -> Touches;

    /// Takes the goal's values for parameters that a document left out.
    fn complete(&mut self, _shared: &Shared) {}

    /// Verb of the step of the same lane or phase that gives back what this one takes.
    fn counterpart(&self) -> Option<&'static str> {
        None
    }

    /// The line of the sign-off that this step fills on a node of this role.
    fn sign_off(&self, _role: NodeRole) -> Option<&'static str> {
        None
    }

    /// A worker that hangs here may be left out of the run.
    fn may_be_deferred(&self) -> bool {
        false
    }

    /// Its change may be stopped at any point and leaves nothing half done: an abort need not wait for its end.
    fn interruptible(&self) -> bool {
        false
    }

    /// Its end is the seal of the backup.
    fn seals(&self) -> bool {
        false
    }

    /// A retry of any step looks at this one again: something may have undone it meanwhile.
    fn looks_again_on_retry(&self) -> bool {
        false
    }

    /// This repair is its business.
    fn mends(&self, _repair: &ConfigRepair) -> bool {
        false
    }

    /// The version at which a node is once this is done.
    fn brings_to(&self) -> Option<KubeVersion> {
        None
    }

    /// What stays after an abort, in a sentence.
    fn remains(&self) -> Option<&'static str> {
        None
    }

    /// What to look at.
    fn probe(&self, cx: &Cx) -> Probe;

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess;

    /// The one change, given what the probe just saw; None for a step that only judges.
    fn act(&self, _cx: &Cx, _reply: &Reply) -> Option<Act> {
        None
    }

    /// The way back that an abort takes; local and safe only.
    fn undo(&self, _cx: &Cx) -> Option<Act> {
        None
    }

    fn policy(&self, cx: &Cx) -> Policy {
        cx.policy()
    }

    /// One with usual parameters, for tables and tests of all steps.
    fn sample() -> Self
    where
        Self: Sized;
}
