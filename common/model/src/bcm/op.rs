//! Ops of a head node: the closed list of changes that a coordinator may request from it. Only the active head node runs them.

use super::ids::{CategoryName, ImageName};
use crate::ids::NodeName;
use crate::op::PackagePin;
use crate::version::{KubeVersion, Minor, PackageVersion};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A change of BCM's state or of a software image.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "verb")]
pub enum BcmOp {
    /// Makes `image` as a copy of `from` and waits for CMDaemon's tasks. An image that exists and that no op of this agent made is refused.
    ImageClone {
        from: ImageName,
        image: ImageName,
    },
    /// Removes an image that this agent made and that no node or category uses.
    ImageRemove {
        image: ImageName,
    },
    /// Lets requests for the image wait while it changes.
    ImageLock {
        image: ImageName,
    },
    ImageUnlock {
        image: ImageName,
    },
    /// Changes the minor in the image's Kubernetes apt source and fetches the lists.
    ImageSource {
        image: ImageName,
        minor: Minor,
    },
    /// Unholds the packages in the image, installs the exact versions, holds them again (also after a failure) and verifies the result. It
    /// refuses to touch any other package.
    ImagePackages {
        image: ImageName,
        packages: Vec<PackagePin>,
    },
    /// Sends the image to all provisioners and waits until each has it.
    Provisioners {
        image: ImageName,
    },
    /// Sets the image of one node. BCM writes it to the node at its next sync.
    AssignImage {
        node: NodeName,
        image: ImageName,
    },
    /// Removes the node's own value, so that it has the image of its category again.
    FollowCategory {
        node: NodeName,
    },
    /// What an imageupdate would write to the node; nothing is written.
    SyncDryRun {
        node: NodeName,
        image: ImageName,
    },
    /// Lets BCM write the image to the running node.
    Sync {
        node: NodeName,
        image: ImageName,
    },
    /// Sets the image of the category and then clears the values of these nodes.
    CategoryImage {
        category: CategoryName,
        image: ImageName,
        nodes: Vec<NodeName>,
    },
    /// Sets the Kubernetes version in BCM's metadata of the agent's cluster.
    ClusterVersion {
        version: PackageVersion,
    },
    /// Lets BCM read the cluster's kubeadm-config, so that it does not write back an older one.
    LearnKubeadmConfig,
}

impl BcmOp {
    /// Kebab-case verb for people, logs and metrics.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::ImageClone { .. } => "bcm-image-clone",
            Self::ImageRemove { .. } => "bcm-image-remove",
            Self::ImageLock { .. } => "bcm-image-lock",
            Self::ImageUnlock { .. } => "bcm-image-unlock",
            Self::ImageSource { .. } => "bcm-image-source",
            Self::ImagePackages { .. } => "bcm-image-packages",
            Self::Provisioners { .. } => "bcm-provisioners",
            Self::AssignImage { .. } => "bcm-assign",
            Self::FollowCategory { .. } => "bcm-follow-category",
            Self::SyncDryRun { .. } => "bcm-sync-dry-run",
            Self::Sync { .. } => "bcm-sync",
            Self::CategoryImage { .. } => "bcm-category-image",
            Self::ClusterVersion { .. } => "bcm-cluster-version",
            Self::LearnKubeadmConfig => "bcm-learn-config",
        }
    }
}

const TO: KubeVersion = KubeVersion::new(1, 32, 9);

// A valid token and a valid name by the rules of the id types.
fn image() -> ImageName {
    ImageName::new("dgx-image-k8s-1.32.9").unwrap_or_else(|e| unreachable!("{e}"))
}

fn node() -> NodeName {
    NodeName::new("dgx030").unwrap_or_else(|e| unreachable!("{e}"))
}

fn version() -> PackageVersion {
    PackageVersion { kube: TO, revision: "1.1".into() }
}

impl BcmOp {
    /// One of each op, with every field filled.
    pub fn samples() -> Vec<Self> {
        let from = ImageName::new("dgx-image").unwrap_or_else(|e| unreachable!("{e}"));
        std::iter::successors(Some(Self::ImageClone { from, image: image() }), Self::after).collect()
    }

    /// The sample after this one. A new op has to be added here, after another.
    pub(crate) fn after(&self) -> Option<Self> {
        let (image, node) = (image(), node());
        Some(match self {
            Self::ImageClone { .. } => Self::ImageLock { image },
            Self::ImageLock { .. } => Self::ImageSource { image, minor: TO.minor() },
            Self::ImageSource { .. } => {
                let package = crate::op::Package::Kubelet;
                Self::ImagePackages { image, packages: vec![PackagePin { package, version: version() }] }
            }
            Self::ImagePackages { .. } => Self::Provisioners { image },
            Self::Provisioners { .. } => Self::ImageUnlock { image },
            Self::ImageUnlock { .. } => Self::AssignImage { node, image },
            Self::AssignImage { .. } => Self::FollowCategory { node },
            Self::FollowCategory { .. } => Self::SyncDryRun { node, image },
            Self::SyncDryRun { .. } => Self::Sync { node, image },
            Self::Sync { .. } => {
                let category = CategoryName::new("dgx-h100").unwrap_or_else(|e| unreachable!("{e}"));
                Self::CategoryImage { category, image, nodes: vec![node] }
            }
            Self::CategoryImage { .. } => Self::ClusterVersion { version: version() },
            Self::ClusterVersion { .. } => Self::LearnKubeadmConfig,
            Self::LearnKubeadmConfig => Self::ImageRemove { image },
            Self::ImageRemove { .. } => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HostOp;
    use std::collections::BTreeSet;

    #[test]
    fn every_op_is_among_the_samples_once() {
        let schema = serde_json::to_value(schemars::schema_for!(BcmOp)).unwrap();
        let all = schema["oneOf"].as_array().unwrap();
        let verbs: BTreeSet<&str> =
            all.iter().map(|v| v["properties"]["verb"]["const"].as_str().unwrap()).collect();
        let samples = BcmOp::samples();
        assert_eq!(samples.len(), verbs.len());
        let of = |op: &BcmOp| serde_json::to_value(op).unwrap()["verb"].as_str().unwrap().to_string();
        assert_eq!(
            samples.iter().map(of).collect::<BTreeSet<_>>(),
            verbs.iter().map(ToString::to_string).collect()
        );
    }

    #[test]
    fn it_is_a_host_op_in_the_ledger_and_back() {
        for op in BcmOp::samples() {
            let op = HostOp::Bcm(op);
            let text = serde_json::to_string(&op).unwrap();
            assert_eq!(serde_json::from_str::<HostOp>(&text).unwrap(), op, "{text}");
        }
    }
}
