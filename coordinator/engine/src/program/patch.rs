//! A file of a `--patches` directory (kubeadm 1.32 `util/patches/patches.go`): `target[suffix][+type].yaml`. The cluster does not keep it,
//! so each of its nodes needs it at every later run.

use podlift_model::NodeName;
use podlift_model::op::PatchName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PatchFile {
    /// `kube-apiserver0+strategic.yaml`.
    #[schemars(with = "String")]
    pub name: PatchName,
    pub text: String,
    /// Nodes whose kubeadm needs it.
    pub nodes: Vec<NodeName>,
}
