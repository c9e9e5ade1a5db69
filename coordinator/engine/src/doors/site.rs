//! Objects of the site's network as a look shows them: services, secrets, Calico and its operator. No view carries the bytes of a secret.

use super::RolloutView;
use crate::survey::{LoadBalancerView, TigeraStatus};
use podlift_model::{Digest, count};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Kind of an object whose pods are restarted by a rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum RolloutKind {
    Deployment,
    StatefulSet,
    DaemonSet,
}

impl RolloutKind {
    /// Its name on kubectl's command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Deployment => "deployment",
            Self::StatefulSet => "statefulset",
            Self::DaemonSet => "daemonset",
        }
    }
}

/// A service as the API has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceView {
    pub view: LoadBalancerView,
    /// The whole object.
    pub raw: Value,
    /// The Helm release that owns it, `namespace/name`; `None` if its labels and annotations name none.
    pub release: Option<String>,
}

/// A TLS secret, without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretView {
    pub exists: bool,
    /// SHA-256 of `tls.crt`; `None` if the secret or the key is absent.
    pub sha256: Option<Digest>,
    /// The same of the copy in the coordinator's memory, if there is one.
    pub copy: Option<Digest>,
    pub kept: KeptSecret,
}

/// Where the coordinator has a copy of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KeptSecret {
    /// In memory: the coordinator can restore it by itself.
    Memory,
    /// Only in a sealed backup, encrypted for the operator's identity.
    SealedOnly,
    Nowhere,
}

/// Calico, its operator and their owners.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CalicoView {
    /// Deployment tigera-operator/tigera-operator; `None` if it does not exist.
    pub operator: Option<OperatorView>,
    /// Names of the Installation objects.
    pub installations: Vec<String>,
    /// BCM's applications that bring Calico.
    pub applications: Vec<String>,
    /// Field managers of Calico's workloads.
    pub managers: Vec<String>,
    /// Helm releases that bring Calico or the operator, `namespace/name`.
    pub releases: Vec<String>,
    /// Number of nodes of the cluster; 0 if it is not known.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub nodes: u32,
    /// calico-node, wherever it runs.
    pub daemon_sets: Vec<DaemonSetView>,
    /// calico-kube-controllers, wherever it runs: `namespace/name` and how far it is.
    pub kube_controllers: Vec<WorkloadView>,
    /// Pod of Calico (`namespace/name`) to the number of its restarts. A pod that was made anew has another name.
    pub restarts: BTreeMap<String, u32>,
    pub status: Vec<TigeraStatus>,
    /// BCM itself offers the operator, so that it may run on purpose.
    pub offered_by_bcm: bool,
}

impl CalicoView {
    /// Whether a DaemonSet of Calico is there that no Installation owns, so that the cluster keeps its network without the operator.
    pub fn has_manifests(&self) -> bool {
        self.daemon_sets.iter().any(|set| !set.is_of_operator())
    }

    /// Why nodes would lose their network together with the operator's Installation; `None` if all of them have Calico from elsewhere.
    pub fn held_by_operator(&self) -> Option<String> {
        let taken = self.daemon_sets.iter().find(|set| set.is_of_operator() && set.desired > 0);
        if let Some(set) = taken {
            return Some(format!(
                "daemonset {}/{} of {} brings Calico to {}",
                set.namespace,
                set.name,
                set.owner,
                count(set.desired, "node")
            ));
        }
        (!self.has_manifests()).then(|| "nothing else brings Calico".into())
    }

    /// Why Calico is not whole now; `None` if calico-kube-controllers and one calico-node on each node are Ready.
    pub fn instability(&self) -> Option<String> {
        let short = self.daemon_sets.iter().find(|set| set.ready < set.desired);
        if let Some(set) = short {
            let (ready, desired) = (set.ready, set.desired);
            return Some(format!(
                "daemonset {}/{}: {ready} of {} Ready",
                set.namespace,
                set.name,
                count(desired, "pod")
            ));
        }
        if self.daemon_sets.is_empty() {
            return Some("there is no DaemonSet calico-node".into());
        }
        // A set counts only the nodes that its selector takes.
        let desired: u32 = self.daemon_sets.iter().map(|set| set.desired).sum();
        if desired < self.nodes {
            let nodes = count(self.nodes, "node");
            return Some(format!("calico-node is meant for {desired} of {nodes}, expected one on each node"));
        }
        if self.kube_controllers.is_empty() {
            return Some("there is no Deployment calico-kube-controllers".into());
        }
        let whole = |w: &WorkloadView| w.rollout.desired > 0 && w.rollout.available >= w.rollout.desired;
        let away = self.kube_controllers.iter().find(|w| !whole(w))?;
        let (available, desired) = (away.rollout.available, away.rollout.desired);
        Some(format!(
            "deployment {}/{}: {available} of {} available",
            away.namespace,
            away.name,
            count(desired, "pod")
        ))
    }

    /// What is whole, in a sentence.
    pub fn whole(&self) -> String {
        let nodes: u32 = self.daemon_sets.iter().map(|set| set.ready).sum();
        format!("calico-kube-controllers is available, and {nodes} of {nodes} calico-node pods are Ready")
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OperatorView {
    pub namespace: String,
    pub image: String,
    pub ready: bool,
    /// Who made it: field managers, Helm release.
    pub owners: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DaemonSetView {
    pub namespace: String,
    pub name: String,
    pub desired: u32,
    pub ready: u32,
    /// Owner reference, `Installation/default`, or the first field manager; empty if neither is known.
    pub owner: String,
}

impl DaemonSetView {
    fn is_of_operator(&self) -> bool {
        self.owner.starts_with("Installation/")
    }
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WorkloadView {
    pub namespace: String,
    pub name: String,
    #[serde(flatten)]
    pub rollout: RolloutView,
}
