//! A file of a `--patches` directory (kubeadm 1.32 `util/patches/patches.go`): `target[suffix][+type].yaml`. Node-local and not kept in the
//! cluster, so it has to be given on each of its nodes and at every later run.

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
    /// Whose kubeadm needs it.
    pub nodes: Vec<NodeName>,
}
