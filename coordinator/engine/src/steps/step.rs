//! The properties and the behaviour of every step.

use super::Cx;
use crate::doors::{Act, Probe, Reply};
use crate::inventory::NodeRole;
use crate::issues::Mend;
use crate::kubeadm_config::ConfigRepair;
use crate::program::{Evidence, Shared, StopReason};
use podlift_model::bcm::ImageName;
use podlift_model::{Failure, KubeVersion, NodeName};
use std::time::Duration;

#[derive(Debug, Clone, PartialEq)]
pub enum Assess {
    /// The goal is reached, and nothing remains to be done.
    Done(Evidence),
    /// The goal is not reached, and `act` may be called now.
    Ready,
    /// The goal is not reached, and time may help.
    Wait(String),
    /// The goal is not reached, and time won't help.
    Blocked(StopReason),
    /// What an earlier step gave is gone: the steps with these verbs are done again, and then this one.
    Again { verbs: Vec<String>, why: String },
}

/// Time limits, and the treatment of failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// How long the step may wait, for its turn or for its effect, before it fails.
    pub wait: Duration,
    /// Least time between two looks, for steps with costly or slow questions; zero for the coordinator's own pace.
    pub poll: Duration,
    /// The goal must hold without a break for this long.
    pub soak: Duration,
    /// Number of automatic retries after a transient failure.
    pub retries: u32,
    /// Whether an op with unknown outcome may be repeated, if the look shows that the goal is not reached.
    pub repeatable: bool,
}

/// What a step may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Touches {
    /// The step only judges.
    Nothing,
    /// The step writes podlift's own backups.
    Backup,
    /// The step changes a node, or what the cluster runs. Allowed only after the backup is sealed.
    Cluster,
}

pub trait Step: Sync {
    /// Last part of the step's id.
    fn verb(&self) -> String;

    fn touches(&self) -> Touches;

    /// Fills parameters that a document omits with the goal's values.
    fn complete(&mut self, _shared: &Shared) {}

    /// Verb of the step in the same lane or phase that gives back what this step takes.
    fn counterpart(&self) -> Option<&'static str> {
        None
    }

    /// The line of the sign-off that this step fills on a node of this role.
    fn sign_off(&self, _role: NodeRole) -> Option<&'static str> {
        None
    }

    /// Whether a worker that hangs in this step may be left out of the run.
    fn may_be_deferred(&self) -> bool {
        false
    }

    /// Whether the change may be stopped at any point and leaves nothing half done, so that an abort need not wait for its end.
    fn interruptible(&self) -> bool {
        false
    }

    /// Whether the step changes what runs on its node, so that a half-done lane may leave the node unfit for work.
    fn changes_node(&self) -> bool {
        false
    }

    /// Whether the run goes on if the op of this step fails: `assess` then finds the failed op and says what follows.
    fn is_optional(&self) -> bool {
        false
    }

    /// Whether the step puts a mark on its node that a deferral takes away.
    fn marks_node(&self) -> bool {
        false
    }

    /// Whether the step evicts pods.
    fn evicts(&self) -> bool {
        false
    }

    /// Whether the step seals the backup.
    fn seals(&self) -> bool {
        false
    }

    /// Whether a retry of any step looks at this one again, because its result may have been undone meanwhile.
    fn looks_again_on_retry(&self) -> bool {
        false
    }

    /// Verbs of earlier steps of the same node, or of the cluster, on whose results this step rests. A retry looks at them again.
    fn rests_on(&self) -> &'static [&'static str] {
        &[]
    }

    /// Whether a failure with this code shows that a result on which this step rests is gone.
    fn shows_loss(&self, _code: &str) -> bool {
        false
    }

    /// Whether this failure has changed nothing and may not happen again: the op is tried once more without an operator.
    fn may_pass(&self, _failure: &Failure) -> bool {
        false
    }

    /// Whether a lane that begins with this step lets other lanes pass while the step waits, and whether its worker is deferred if the
    /// step fails.
    fn yields(&self) -> bool {
        false
    }

    /// Whether the step brings the API server of a control-plane node to the run's version.
    fn raises_api_server(&self) -> bool {
        false
    }

    /// Whether the step brings settings to its node that a waiver may have left out. A waiver that is lifted has it done again.
    fn brings_settings(&self) -> bool {
        false
    }

    /// Whether the step shows that the API server of a control-plane node serves.
    fn verifies_api_server(&self) -> bool {
        false
    }

    /// The software image that the step makes, prepares or gives to BCM's provisioners.
    fn makes_image(&self) -> Option<&ImageName> {
        None
    }

    /// Whether this step makes this repair.
    fn mends(&self, _repair: &ConfigRepair) -> bool {
        false
    }

    /// The repair of an issue that this step makes, if it is needed. A program does not rest on these steps.
    fn mend(&self) -> Option<Mend> {
        None
    }

    /// Whether the step only watches what such a repair has done.
    fn follows_mend(&self) -> bool {
        false
    }

    /// The version of the node after this step; `None` if the step changes no version.
    fn brings_to(&self) -> Option<KubeVersion> {
        None
    }

    /// What stays changed after an abort, in a sentence for all nodes on which the step has acted.
    fn remains(&self) -> Option<String> {
        None
    }

    /// The node whose agent runs the ops of the step. For a step of BCM it is the head node, whatever node the step is for.
    fn agent(&self, cx: &Cx) -> NodeName {
        cx.node()
    }

    /// What to look at.
    fn probe(&self, cx: &Cx) -> Probe;

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess;

    /// The one change, from what the probe just saw; `None` for a step that only judges.
    fn act(&self, _cx: &Cx, _reply: &Reply) -> Option<Act> {
        None
    }

    /// The change by which an abort undoes the step. It must be local and safe.
    fn undo(&self, _cx: &Cx) -> Option<Act> {
        None
    }

    fn policy(&self, cx: &Cx) -> Policy {
        cx.policy()
    }

    /// A sample with usual parameters, for tables and tests of all steps.
    fn sample() -> Self
    where
        Self: Sized;
}
