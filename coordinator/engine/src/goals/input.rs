//! The planner's input, observed beforehand.

use super::Earlier;
use crate::doors::{AddonsView, ApiProbe, KubeadmConfigView, SecretView};
use crate::inventory::Inventory;
use crate::issues::IssueName;
use crate::program::{Attestation, GoalName, PlanOptions, Recorded, Waiver};
use crate::survey::ClusterSurvey;
use podlift_model::bcm::{BcmCluster, BcmExcludes, BcmImage, BcmNode, BcmProvisioning, HeadState};
use podlift_model::facts::{EtcdState, PackageOffer};
use podlift_model::survey::{NodeSurvey, Seen};
use podlift_model::{ClusterName, KubeVersion, Minor, NodeName, PackageVersion, RunId};
use std::collections::BTreeMap;

/// BCM's own view, through the agent of a head node. An error is the reason why a part is not known, with the output of BCM's tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BcmView {
    /// The head node whose agent was asked.
    pub head: NodeName,
    /// Minors that this BCM can manage.
    pub minors: Result<Vec<Minor>, String>,
    /// The cluster's version in BCM's metadata.
    pub recorded: Result<PackageVersion, String>,
    /// The head node's part in BCM's high availability, and its tools.
    pub state: Seen<HeadState>,
    /// All nodes that BCM provisions, of whatever cluster.
    pub nodes: Seen<Vec<BcmNode>>,
    /// All software images. Those of the chosen nodes, and their clones for the target, were looked into.
    pub images: Seen<Vec<BcmImage>>,
    pub provisioning: Seen<BcmProvisioning>,
    /// Exclude lists of one node of each group of image, category, role and origin of the image.
    pub excludes: BTreeMap<NodeName, Seen<BcmExcludes>>,
    /// The Kubernetes clusters that BCM lists.
    pub clusters: Seen<Vec<BcmCluster>>,
}

impl BcmView {
    /// A view in which nothing is known yet.
    pub fn of(head: NodeName) -> Self {
        fn unknown<T>() -> Seen<T> {
            Err("it was not asked for".into())
        }
        Self {
            head,
            minors: unknown(),
            recorded: unknown(),
            state: unknown(),
            nodes: unknown(),
            images: unknown(),
            provisioning: unknown(),
            excludes: BTreeMap::new(),
            clusters: unknown(),
        }
    }
}

#[derive(Debug, Clone)]
pub struct PlanInput {
    pub cluster: ClusterName,
    pub goal: GoalName,
    /// The version after the run. For a repair it is the version that runs.
    pub to: KubeVersion,
    /// The nodes that the run works on; empty for all.
    pub nodes: Vec<NodeName>,
    pub options: PlanOptions,
    pub waivers: Vec<Waiver>,
    pub inventory: Inventory,
    /// An error is the reason why it could not be read.
    pub kubeadm_config: Result<KubeadmConfigView, String>,
    /// The packages in each node's repository of the target's minor. An error is the reason why they are not known.
    pub offers: BTreeMap<NodeName, Result<Vec<PackageOffer>, String>>,
    /// etcd as seen from each control-plane node.
    pub etcd: BTreeMap<NodeName, Result<EtcdState, String>>,
    /// Each API server separately, and `proxy` for the address in front of them.
    pub probes: Vec<ApiProbe>,
    pub addons: Result<AddonsView, String>,
    /// BCM's view; `None` if BCM is not asked (no `[bcm]` in the configuration).
    pub bcm: Option<BcmView>,
    /// Milliseconds by which each node's wall clock is ahead of the coordinator's, for agents that reported theirs.
    pub clocks: BTreeMap<NodeName, i64>,
    /// Refused agents, with the reason, by node.
    pub refused_agents: BTreeMap<NodeName, String>,
    /// The survey of every node whose agent was asked. An error is the reason why it could not look.
    pub surveys: BTreeMap<NodeName, Seen<NodeSurvey>>,
    /// An error is the reason why the cluster could not be looked at.
    pub cluster_survey: Seen<ClusterSurvey>,
    /// For a repair, the TLS secrets of the last record, by `namespace/name`.
    pub secrets: BTreeMap<String, Seen<SecretView>>,
    /// The run that is open while the plan is made.
    pub open_run: Option<RunId>,
    /// Attestations of operators for this plan.
    pub attestations: Vec<Attestation>,
    /// What the runs of the journal have left.
    pub earlier: Earlier,
    /// The issues that a repair is about; empty for all.
    pub issues: Vec<IssueName>,
    pub now: jiff::Timestamp,
}

impl PlanInput {
    /// Records of an earlier run with which this plan's run compares nodes, without the nodes whose new hardware an operator accepts.
    pub(crate) fn carried(&self) -> Recorded {
        let mut out = self.earlier.recorded.clone();
        let accepted = |node: &NodeName| self.waivers.iter().any(|w| w.devices() == Some(node.as_str()));
        out.retain_nodes(|node| self.inventory.get(node).is_some() && !accepted(node));
        out
    }
}
