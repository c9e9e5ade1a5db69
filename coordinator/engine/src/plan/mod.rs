//! The plan: an immutable, hashed list of steps with everything that it rests on. Made once from what was observed; a run executes it
//! and decides nothing anew.

mod attest;
mod blast;
mod budget;
mod build;
pub mod checks;
mod compare;
mod contract;
pub(crate) mod endpoints;
mod finding;
mod fingerprint;
mod input;
mod kubelet_config;
pub mod loss;
mod meant;
mod order;
mod patch;
mod policy;
mod recorded;
pub(crate) mod removed;
pub mod root_cause;
mod spec;

pub use attest::{ATTESTATIONS, Attestation, Attested, DIFFERENCES, UnknownAttestation, known_attestation};
pub use blast::{Blast, Gang};
pub use build::{PlanError, build};
pub use compare::{compare, unseen};
pub use contract::{Ask, ContractError};
pub use finding::{Finding, Severity};
pub use fingerprint::{changed_parts, differences};
pub use input::{Approve, BcmView, PlanInput, PlanOptions, Waiver};
pub use kubelet_config::mend_kubelet_config;
pub use loss::{Loss, LossKind};
pub use patch::PatchFile;
pub use policy::{PolicyError, SitePolicy};
pub use recorded::{Recorded, record_of};
pub use root_cause::{Part, Prevention, RootCause};
pub use spec::{Lane, Phase, StepKind, StepSpec};

use crate::doors::KubeadmConfigView;
use crate::inventory::Inventory;
use crate::kubeadm_config::ConfigRepair;
use podlift_model::op::{Addon, FlagLoss, Package, Preflight};
use podlift_model::{ClusterName, Digest, KubeVersion, NodeName, PackageVersion};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    pub schema: String,
    pub cluster: ClusterName,
    pub from: KubeVersion,
    pub to: KubeVersion,
    pub made_at: jiff::Timestamp,
    /// Exact package versions to install.
    pub packages: BTreeMap<Package, PackageVersion>,
    pub options: PlanOptions,
    /// What was asked for; empty: all nodes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<NodeName>,
    pub waivers: Vec<Waiver>,
    pub addons: Vec<Addon>,
    /// What will be kept from going wrong, and how.
    pub prevented: Vec<Prevention>,
    pub repairs: Vec<ConfigRepair>,
    pub kubeadm_config: KubeadmConfigView,
    /// ConfigMap kubelet-config as it was, where the run repairs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubelet_config: Option<String>,
    /// Ids of the checks that were made.
    pub checked: Vec<String>,
    pub findings: Vec<Finding>,
    /// Addons that kubeadm would deploy by itself although the cluster does not use them: `addon/kube-proxy`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skip_phases: Vec<String>,
    /// All that the upgrade would take away or change, repaired or not, with where it comes from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub losses: Vec<Loss>,
    /// What has no place in kubeadm-config: files for `kubeadm --patches`, on their nodes and at every later run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub patches: Vec<PatchFile>,
    /// Flags whose loss is meant: somebody waived it, and the guards do not put them back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub meant: Vec<FlagLoss>,
    /// Preflight errors of `kubeadm upgrade apply` that somebody waived.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<Preflight>,
    /// What the work on each node would take with it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub blast: BTreeMap<NodeName, Blast>,
    /// What is compared with what is seen after the run.
    #[serde(default, skip_serializing_if = "Recorded::is_empty")]
    pub recorded: Recorded,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attestations: Vec<Attestation>,
    pub phases: Vec<Phase>,
    pub inventory: Inventory,
    /// Part of the facts to hash of it: what the plan rests on.
    pub fingerprints: BTreeMap<String, Digest>,
    pub hash: Digest,
}

pub const SCHEMA: &str = "podlift.plan/v1";

impl Plan {
    pub fn blockers(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|f| f.severity == Severity::Blocker)
    }

    pub fn steps(&self) -> impl Iterator<Item = &StepSpec> {
        self.phases.iter().flat_map(|p| &p.lanes).flat_map(|l| &l.steps)
    }

    pub fn step(&self, id: &podlift_model::StepId) -> Option<&StepSpec> {
        self.steps().find(|s| s.id == *id)
    }

    /// The control-plane node that goes first and runs `upgrade apply`.
    pub fn first(&self) -> Option<&NodeName> {
        self.inventory.control_planes().map(|n| &n.name).next()
    }

    /// The run goes to this node.
    pub fn chosen(&self, node: &NodeName) -> bool {
        self.nodes.is_empty() || self.nodes.contains(node)
    }

    /// What this node's patches directory has to hold.
    pub fn patches_of(&self, node: &NodeName) -> impl Iterator<Item = &PatchFile> {
        self.patches.iter().filter(|p| p.nodes.contains(node))
    }

    /// kubeadm of the target has phases of `upgrade apply`, and `--skip-phases` with them: from 1.32 on.
    pub fn has_phases(&self) -> bool {
        order::has_phases(self.to)
    }

    pub fn waived(&self, check: &str) -> Option<&Waiver> {
        self.waivers.iter().find(|w| w.check == check)
    }
}

#[cfg(test)]
mod cases;
#[cfg(test)]
mod large_tests;
#[cfg(test)]
mod tests;
