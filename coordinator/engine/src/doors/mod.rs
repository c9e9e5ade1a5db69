//! What a step may ask for, and what it may change. A probe is one look or several; an act is exactly one change of one node, of the
//! cluster or of the vault. Both are closed vocabularies, and a look can't stand where an act is expected or the other way round. How a
//! request is carried out is the coordinator's business.

mod cluster;
mod vault;
mod views;

pub use cluster::{ClusterAct, ClusterLook, ClusterReply, VIP};
pub use vault::{VaultAct, VaultLook};
pub use views::{
    AddonsView, ApiProbe, BackupView, EvictionView, KubeadmConfigView, KubeletConfigView, NodeView, Owner,
};

use podlift_model::{HostOp, Look, NodeName, OpOutput};

/// What a step looks at.
#[derive(Debug, Clone, PartialEq)]
pub enum Probe {
    Node(NodeName, Look),
    Cluster(ClusterLook),
    Vault(VaultLook),
    /// Several at once; the reply has as many parts in the same order.
    All(Vec<Probe>),
}

/// What a probe brought.
#[derive(Debug, Clone, PartialEq)]
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
    /// The node whose agent makes the change. None: the coordinator makes it itself.
    pub fn node(&self) -> Option<&NodeName> {
        match self {
            Act::Node(node, _) => Some(node),
            Act::Cluster(_) | Act::Vault(_) => None,
        }
    }
}
