//! Everything the planner looks at, observed beforehand.

use crate::doors::{AddonsView, ApiProbe, KubeadmConfigView};
use crate::inventory::Inventory;
use crate::program::{Attestation, PlanOptions, Waiver};
use crate::survey::ClusterSurvey;
use podlift_model::facts::{EtcdState, PackageOffer};
use podlift_model::survey::{NodeSurvey, Seen};
use podlift_model::{ClusterName, KubeVersion, Minor, NodeName, PackageVersion};
use std::collections::BTreeMap;

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
