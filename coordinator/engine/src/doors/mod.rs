//! What a step may ask for, and what it may change. A probe is one look or several; an act is exactly one change of one node, of the
//! cluster or of the vault. Both are closed vocabularies, and the types keep looks and acts apart. The coordinator carries out the
//! requests.

mod cluster;
mod drain;
mod site;
mod vault;
mod views;

pub use cluster::{ClusterAct, ClusterLook, ClusterReply, VIP};
pub use drain::DrainOptions;
pub use site::{
    CalicoView, DaemonSetView, KeptSecret, OperatorView, RolloutKind, SecretView, ServiceView, WorkloadView,
};
pub use vault::{VaultAct, VaultLook};
pub use views::{
    AddonsView, ApiProbe, BackupView, EvictionView, ForeignMark, KubeadmConfigView, KubeletConfigView,
    NodeView, Owner, RolloutView,
};

use podlift_model::{HostOp, Look, NodeName, OpOutput};

/// What a step looks at.
#[derive(Debug, Clone, PartialEq)]
pub enum Probe {
    Node(NodeName, Look),
    Cluster(ClusterLook),
    Vault(VaultLook),
    /// Several looks at once. The reply has one part for each, in the same order.
    All(Vec<Probe>),
}

/// The result of a probe.
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::large_enum_variant)] // a reply is made once, judged and dropped; a Node object in it is the usual case
pub enum Reply {
    Node(Box<OpOutput>),
    Cluster(ClusterReply),
    Vault(Option<BackupView>),
    All(Vec<Reply>),
}

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    Node(NodeName, HostOp),
    Cluster(ClusterAct),
    Vault(VaultAct),
}

impl Act {
    /// The node whose agent makes the change; `None` if the coordinator makes it itself.
    pub fn node(&self) -> Option<&NodeName> {
        match self {
            Act::Node(node, _) => Some(node),
            Act::Cluster(_) | Act::Vault(_) => None,
        }
    }
}
