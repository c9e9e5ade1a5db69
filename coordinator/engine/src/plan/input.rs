//! Everything the planner looks at, observed beforehand.

use super::Attestation;
use crate::doors::{AddonsView, ApiProbe, KubeadmConfigView};
use crate::inventory::Inventory;
use crate::survey::ClusterSurvey;
use podlift_model::facts::{EtcdState, PackageOffer};
use podlift_model::survey::{NodeSurvey, Seen};
use podlift_model::{ClusterName, KubeVersion, Minor, NodeName, PackageVersion};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A named, reasoned exception.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Waiver {
    pub check: String,
    pub reason: String,
    /// Identity of who gave it.
    pub by: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanOptions {
    /// Workers that may be unavailable at once, those that were so before included.
    pub max_unavailable: u32,
    /// How many workers go first and alone; 0: none.
    pub canary: u32,
    /// How long a drain may take before the run pauses, seconds.
    pub drain_seconds: u32,
    /// How long a new API server must stay ready, seconds.
    pub soak_seconds: u32,
    /// A node's guard falls back to the steady watch by itself after this, seconds.
    pub guard_seconds: u32,
    /// How long any other wait may take, seconds.
    pub wait_seconds: u32,
    /// Gates that this site takes out: a rule of the site, not a fact of Kubernetes.
    pub site_gates: Vec<String>,
    /// Attestations that this site demands before a run: a rule of the site.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required_attestations: Vec<String>,
    /// How often a person is asked on the way.
    #[serde(default, skip_serializing_if = "Approve::is_all")]
    pub approve: Approve,
}

/// Where a run pauses for approval. The start of the run approves its first phase, which changes nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Approve {
    /// Nowhere: the start of the run approves all.
    #[default]
    All,
    /// Before each phase.
    Phase,
    /// Before each phase, and before each batch of its lanes.
    Batch,
}

impl Approve {
    pub fn is_all(&self) -> bool {
        *self == Self::All
    }
}

impl Default for PlanOptions {
    fn default() -> Self {
        Self {
            max_unavailable: 1,
            canary: 1,
            drain_seconds: 1800,
            soak_seconds: 30,
            guard_seconds: 3600,
            wait_seconds: 900,
            site_gates: vec!["MaxUnavailableStatefulSet".into()],
            required_attestations: vec![],
            approve: Approve::All,
        }
    }
}

/// BCM's own view; Err: why it is not known, with what its tool printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BcmView {
    /// Minors that this BCM can manage.
    pub minors: Result<Vec<Minor>, String>,
    /// The version that its metadata has of the cluster.
    pub recorded: Result<PackageVersion, String>,
}

#[derive(Debug, Clone)]
pub struct PlanInput {
    pub cluster: ClusterName,
    pub to: KubeVersion,
    /// Empty: all.
    pub nodes: Vec<NodeName>,
    pub options: PlanOptions,
    pub waivers: Vec<Waiver>,
    pub inventory: Inventory,
    /// Err: why it could not be read.
    pub kubeadm_config: Result<KubeadmConfigView, String>,
    /// What each node's repository of the target's minor offers; Err: why that is not known.
    pub offers: BTreeMap<NodeName, Result<Vec<PackageOffer>, String>>,
    /// Seen from each control-plane node.
    pub etcd: BTreeMap<NodeName, Result<EtcdState, String>>,
    /// Each API server by itself, and `proxy` for the address everybody uses.
    pub probes: Vec<ApiProbe>,
    pub addons: Result<AddonsView, String>,
    /// What BCM says; None: nobody asks it (no `[bcm]` in the configuration).
    pub bcm: Option<BcmView>,
    /// How far each node's wall clock is ahead of the coordinator's, milliseconds; of agents that told theirs.
    pub clocks: BTreeMap<NodeName, i64>,
    /// Agents that were refused and why, by node.
    pub refused_agents: BTreeMap<NodeName, String>,
    /// Of every node whose agent was asked; Err: why it could not look.
    pub surveys: BTreeMap<NodeName, Seen<NodeSurvey>>,
    /// Err: why the cluster could not be looked at.
    pub cluster_survey: Seen<ClusterSurvey>,
    /// What people have said that no machine can know.
    pub attestations: Vec<Attestation>,
    pub now: jiff::Timestamp,
}
