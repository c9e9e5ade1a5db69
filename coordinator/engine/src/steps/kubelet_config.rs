//! Writes the kubelet's configuration file from ConfigMap kubelet-config. Right before, the ConfigMap is looked at again: if an old text
//! was put back since its repair, the repair comes first.

use super::empty::Lane;
use super::manifests::patches;
use super::paths;
use super::reply::{all, cluster, done, facts, odd};
use super::{Assess, Cx, Step, Touches};
use crate::analysis::mend_kubelet_config;
use crate::doors::{Act, ClusterLook, ClusterReply, KubeletConfigView, Probe, Reply};
use crate::kubeadm_config::ConfigRepair;
use crate::program::FLAG_LOSS;
use podlift_model::{HostOp, Look};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KubeletConfig {}

impl Step for KubeletConfig {
    fn verb(&self) -> String {
        "kubelet-config".into()
    }
    fn touches(&self) -> Touches {
        Touches::Cluster
    }
    fn rests_on(&self) -> &'static [&'static str] {
        &[REPAIR, PATCHES]
    }
    fn changes_node(&self) -> bool {
        true
    }
    fn remains(&self) -> Option<String> {
        Some(format!("{} is written anew from ConfigMap kubelet-config", paths::KUBELET_CONFIG))
    }
    fn brings_settings(&self) -> bool {
        true
    }
    fn sample() -> Self {
        Self {}
    }

    fn probe(&self, cx: &Cx) -> Probe {
        looks(cx)
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        judge(cx, reply, "/var/lib/kubelet/config.yaml written")
    }

    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        cx.host(HostOp::KubeletConfig)
    }
}

const REPAIR: &str = "repair-kubelet-config";
const PATCHES: &str = "kubeadm-patches";

/// What a write of the kubelet's configuration rests on: the ConfigMap, the node's patches, and in a drained lane the node.
pub fn looks(cx: &Cx) -> Probe {
    let mut looks = vec![Probe::Cluster(ClusterLook::KubeletConfig), cx.look(Look::Facts)];
    looks.extend(Lane::of(cx).looks());
    Probe::All(looks)
}

/// The verdict for a step that takes the kubelet's configuration from the ConfigMap, if that lacks the plan's repairs now.
pub fn reverted(cx: &Cx, view: &KubeletConfigView) -> Option<Assess> {
    let repairs = &cx.program().mends.repairs;
    let needed = repairs.iter().any(|r| matches!(r, ConfigRepair::SetKubelet { .. }));
    let right = !needed || mend_kubelet_config(&view.kubelet, repairs).is_ok_and(|text| text == view.kubelet);
    (!right && cx.state.waived(FLAG_LOSS).is_none()).then(|| {
        let writer = view.managers.first().map_or("an unknown writer", String::as_str);
        cx.again(
            &[REPAIR],
            format!("ConfigMap kubelet-config lacks the plan's repairs, last written by {writer}"),
        )
    })
}

/// The verdict for a step that writes the kubelet's configuration. A repetition is harmless, so its own outcome is the evidence.
pub fn judge(cx: &Cx, reply: &Reply, what: &str) -> Assess {
    let [config, first, lane @ ..] = all(reply) else { return odd(reply) };
    let (Some(ClusterReply::KubeletConfig(view)), Some(facts)) = (cluster(config), facts(first)) else {
        return odd(reply);
    };
    let kept = facts.patches == patches(cx) || cx.state.waived(FLAG_LOSS).is_some();
    if cx.acted {
        return match kept {
            true => done(what),
            false => done(format!(
                "{what}; the files for kubeadm --patches are gone, so compare the kubelet's configuration with the backup"
            )),
        };
    }
    if let Some(again) = reverted(cx, view) {
        return again;
    }
    // Once the op may have begun, the file that an agent compares the patches with may have been written anew without them.
    let fresh = cx.state.step(&cx.step.id).is_none_or(|step| step.attempts == 0);
    if fresh && !kept {
        let what = format!("the files for kubeadm --patches on {} are others than the plan's", cx.node());
        return cx.again(&[PATCHES], what);
    }
    Lane::of(cx).lost(cx, lane).unwrap_or(Assess::Ready)
}
