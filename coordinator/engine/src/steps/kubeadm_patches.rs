//! Writes the node's files for `kubeadm --patches`: settings that kubeadm-config can't express, kept on the node that has them. From then
//! on the agent passes the folder to every kubeadm run. It accepts only content that the node's own files already have.

use super::manifests::patches;
use super::paths;
use super::reply::{done, facts, odd, partly};
use super::{Assess, Cx, Step, Touches};
use crate::doors::{Act, Probe, Reply};
use crate::inventory::NodeRole;
use crate::kubeadm_config::ConfigRepair;
use crate::program::FLAG_LOSS;
use podlift_model::op::{PatchName, PatchText};
use podlift_model::{HostOp, Look};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KubeadmPatches {}

impl Step for KubeadmPatches {
    fn verb(&self) -> String {
        "kubeadm-patches".into()
    }
    fn touches(&self) -> Touches {
        Touches::Cluster
    }
    fn sign_off(&self, _role: NodeRole) -> Option<&'static str> {
        Some("root-cause-repaired")
    }
    /// The files may have been put back as they were, and a lifted waiver makes the repair due.
    fn looks_again_on_retry(&self) -> bool {
        true
    }
    fn mends(&self, repair: &ConfigRepair) -> bool {
        matches!(repair, ConfigRepair::Patch { .. })
    }
    fn remains(&self) -> Option<String> {
        Some(format!("the files for kubeadm --patches stay in {}", paths::PATCHES))
    }
    fn sample() -> Self {
        Self {}
    }

    fn probe(&self, cx: &Cx) -> Probe {
        cx.look(Look::Facts)
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let Some(facts) = facts(reply) else { return odd(reply) };
        if let Some(waiver) = cx.state.waived(FLAG_LOSS) {
            return partly(format!("left as they are: {} waived it ({})", waiver.by, waiver.reason));
        }
        let wanted = patches(cx);
        match facts.patches == wanted {
            true => done(match wanted.len() {
                0 => "no patches are needed any more".to_string(),
                _ => wanted.keys().map(PatchName::name).collect::<Vec<_>>().join(", "),
            }),
            false => Assess::Ready,
        }
    }

    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        let node = cx.node();
        let patches = cx.program().mends.patches_of(&node);
        let files = patches.map(|p| PatchText { name: p.name, text: p.text.clone() }).collect();
        cx.host(HostOp::KubeadmPatches { files })
    }
}
