//! Repairs ConfigMap kubelet-config before kubeadm writes it over the nodes' own files. The step changes only the plan's keys, with a
//! resourceVersion precondition. The old text is in the plan, and so in the journal; the backup has the object.

use super::reply::{blocked, cluster, done, odd, partly};
use super::{Assess, Cx, Step, Touches};
use crate::analysis::mend_kubelet_config;
use crate::doors::{Act, ClusterAct, ClusterLook, ClusterReply, KubeletConfigView, Probe, Reply};
use crate::inventory::NodeRole;
use crate::kubeadm_config::ConfigRepair;
use crate::program::FLAG_LOSS;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RepairKubelet {}

const NEXT: &str = "kubectl -n kube-system edit cm kubelet-config && podlift retry";

fn view(reply: &Reply) -> Option<&KubeletConfigView> {
    match cluster(reply)? {
        ClusterReply::KubeletConfig(view) => Some(view),
        _ => None,
    }
}

impl Step for RepairKubelet {
    fn verb(&self) -> String {
        "repair-kubelet-config".into()
    }
    fn touches(&self) -> Touches {
        Touches::Cluster
    }
    fn sign_off(&self, _role: NodeRole) -> Option<&'static str> {
        Some("root-cause-repaired")
    }
    /// A retry looks again, because another writer may have put the old text back.
    fn looks_again_on_retry(&self) -> bool {
        true
    }
    fn mends(&self, repair: &ConfigRepair) -> bool {
        matches!(repair, ConfigRepair::SetKubelet { .. })
    }
    fn remains(&self) -> Option<String> {
        Some("ConfigMap kube-system/kubelet-config stays repaired; its old text is in the plan".into())
    }
    fn sample() -> Self {
        Self {}
    }

    fn probe(&self, _cx: &Cx) -> Probe {
        Probe::Cluster(ClusterLook::KubeletConfig)
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let Some(view) = view(reply) else { return odd(reply) };
        if let Some(waiver) = cx.state.waived(FLAG_LOSS) {
            return partly(format!("left as it is: {} waived it ({})", waiver.by, waiver.reason));
        }
        match mend_kubelet_config(&view.kubelet, &cx.program().mends.repairs) {
            Ok(text) if text == view.kubelet => done("kubelet-config has what all kubelets have"),
            Ok(_) => Assess::Ready,
            Err(error) => blocked("kubelet-config", error.to_string(), NEXT),
        }
    }

    fn act(&self, cx: &Cx, reply: &Reply) -> Option<Act> {
        let view = view(reply)?;
        let kubelet = mend_kubelet_config(&view.kubelet, &cx.program().mends.repairs).ok()?;
        let resource_version = view.resource_version.clone();
        Some(Act::Cluster(ClusterAct::WriteKubeletConfig { resource_version, kubelet }))
    }
}
