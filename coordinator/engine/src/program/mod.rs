//! The program: an immutable, hashed list of steps with everything that it depends on. A goal makes it once from what was observed; a run
//! executes it and makes no new decision. This module knows no goal's reasoning: goals make programs, and programs do not know goals' code.

mod attest;
mod bcm;
mod contract;
mod document;
#[cfg(test)]
mod document_tests;
mod evidence;
mod finding;
mod given;
mod goal;
mod hash;
mod image_order;
mod images;
mod item;
mod left_out;
mod losses;
mod mends;
mod options;
mod patch;
mod phase;
mod policy;
mod recorded;
mod skew;
mod stop;
pub(crate) mod survey_part;
mod waiver;

pub use attest::{ATTESTATIONS, Attestation, DIFFERENCES, UnknownAttestation, known_attestation};
pub use bcm::{BCM_BOOKS, BCM_IMAGES, BcmPlan, ImagePlan, NodeImage};
pub use contract::ContractError;
pub use evidence::Evidence;
pub(crate) use finding::finding;
pub use finding::{Finding, Severity};
pub use given::Given;
pub use goal::{Goal, GoalName, Repair, Shared, Upgrade};
pub(crate) use hash::hash_of;
pub use hash::{changed_parts, differences};
pub use image_order::ImageOrder;
pub use images::{IMAGES, NodeImages, UNKNOWN_IMAGES};
pub use item::{Item, UnknownItem};
pub use left_out::LeftOut;
pub(crate) use losses::names;
pub use losses::{Blast, Gang, Loss, LossKind};
pub use mends::{Mends, Part, Prevention};
pub use options::{Approve, PlanOptions};
pub use patch::PatchFile;
pub use phase::{CANARY, JobRow, Lane, Phase, PlannedBatch, StepSpec, WORKERS};
pub use podlift_batches::{BadLimit, Day, Group, Limit, Order, Policy as Rollout, Take, TooLarge, Window};
pub use policy::{IssuesPolicy, PolicyError, SitePolicy};
pub use recorded::Recorded;
pub use skew::Skew;
pub use stop::{APPROVAL, CORDON_TAKEN, StopReason};
pub use waiver::{DEVICES, FLAG_LOSS, NEVER_INTERRUPT, Waiver, loss_item, waived_on_all};

use crate::inventory::Inventory;
use podlift_model::{ClusterName, Digest, KubeVersion, NodeName, StepId};
use std::collections::BTreeMap;

/// The component of losses that a restart of the kubelet brings back.
const KUBELET: &str = "kubelet";
/// Name of the document that carries a program.
pub const SCHEMA: &str = "podlift.plan/v1";

/// A program. As a document it is `podlift.plan/v1` (`document.rs`), and users see it as a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Program {
    pub cluster: ClusterName,
    pub goal: Goal,
    pub made_at: jiff::Timestamp,
    pub options: PlanOptions,
    /// The nodes that were requested; empty for all nodes.
    pub nodes: Vec<NodeName>,
    /// Nodes of the request that take no part: they are deferred from the start.
    pub left_out: Vec<LeftOut>,
    pub waivers: Vec<Waiver>,
    /// What the run repairs in kubeadm's own texts.
    pub mends: Mends,
    /// Ids of the checks that were made.
    pub checked: Vec<String>,
    pub findings: Vec<Finding>,
    /// Values from before the run, compared with those after it.
    pub recorded: Recorded,
    pub attestations: Vec<Attestation>,
    pub phases: Vec<Phase>,
    /// Jobs that the run will interrupt, the most costly first.
    pub jobs: Vec<JobRow>,
    /// What the run does with BCM; `None` if BCM is not asked.
    pub bcm: Option<BcmPlan>,
    pub inventory: Inventory,
    /// Name of a fact to its hash: the facts that the program depends on.
    pub fingerprints: BTreeMap<String, Digest>,
    pub hash: Digest,
}

impl Program {
    pub fn from(&self) -> KubeVersion {
        self.goal.from()
    }

    pub fn to(&self) -> KubeVersion {
        self.goal.to()
    }

    pub fn blockers(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|f| f.severity == Severity::Blocker)
    }

    pub fn steps(&self) -> impl Iterator<Item = &StepSpec> {
        self.phases.iter().flat_map(|p| &p.lanes).flat_map(|l| &l.steps)
    }

    pub fn step(&self, id: &StepId) -> Option<&StepSpec> {
        self.steps().find(|s| s.id == *id)
    }

    /// The control-plane node that goes first and runs `upgrade apply`.
    pub fn first(&self) -> Option<&NodeName> {
        self.inventory.control_planes().map(|n| &n.name).next()
    }

    /// Whether the run upgrades this node.
    pub fn chosen(&self, node: &NodeName) -> bool {
        self.nodes.is_empty() || self.nodes.contains(node)
    }

    /// Why the node is left out from the start; `None` if it is not.
    pub fn left_out(&self, node: &NodeName) -> Option<&LeftOut> {
        self.left_out.iter().find(|out| out.node == *node)
    }

    /// Whether the waiver covers a loss of this node, or with `kubelet` a loss of its kubelet. Only an upgrade has a list of them.
    pub fn loses(&self, node: &NodeName, waiver: &Waiver, kubelet: bool) -> bool {
        let here = |loss: &Loss| {
            let counts = !kubelet || loss.component == KUBELET;
            counts && loss.nodes.contains(node) && waiver.covers(node, &loss.name)
        };
        match self.goal.upgrade() {
            Some(upgrade) => upgrade.losses.iter().any(here),
            None => waiver.is_of_losses(),
        }
    }

    pub fn waived(&self, check: &str) -> Option<&Waiver> {
        self.waivers.iter().find(|w| w.check == check)
    }

    /// The same program, with its hash computed again.
    pub(crate) fn hashed(mut self) -> Self {
        self.hash = hash::of_program(&self);
        self
    }
}
