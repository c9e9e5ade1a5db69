//! The plan: an immutable, hashed list of steps with everything that it rests on. Made once from what was observed; a run executes it
//! and decides nothing anew.

mod build;
pub mod checks;
mod finding;
mod fingerprint;
mod input;
mod order;
pub mod root_cause;
mod spec;

pub use build::{PlanError, build};
pub use finding::{Finding, Severity};
pub use fingerprint::differences;
pub use input::{BcmView, PlanInput, PlanOptions, Waiver};
pub use root_cause::{Prevention, RootCause};
pub use spec::{Lane, Phase, StepKind, StepSpec};

use crate::inventory::Inventory;
use crate::kubeadm_config::ConfigRepair;
use crate::request::KubeadmConfigView;
use podlift_model::op::{Addon, Package};
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
    pub waivers: Vec<Waiver>,
    pub addons: Vec<Addon>,
    /// What will be kept from going wrong, and how.
    pub prevented: Vec<Prevention>,
    pub repairs: Vec<ConfigRepair>,
    pub kubeadm_config: KubeadmConfigView,
    /// Ids of the checks that were made.
    pub checked: Vec<String>,
    pub findings: Vec<Finding>,
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

    pub fn waived(&self, check: &str) -> Option<&Waiver> {
        self.waivers.iter().find(|w| w.check == check)
    }
}

#[cfg(test)]
mod tests;
