//! Lets BCM read kubeadm-config after the run or kubeadm has changed it. BCM keeps a copy, and writes that back when it is older.
//!
//! BCM's other command, `cm-kubeadm-manage update_apiserver NODE`, writes the manifests of a node from that copy. No step calls it: `kubeadm
//! upgrade` writes each node's manifests from the same kubeadm-config, one node at a time, and a second writer would restart each API server
//! once more.

use super::reply::{config, done, odd};
use super::{Assess, Cx, Policy, Step, Touches, head, repair_config};
use crate::doors::{Act, ClusterLook, Probe, Reply};
use podlift_model::NodeName;
use podlift_model::bcm::BcmOp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LearnConfig {}

pub const VERB: &str = "learn-config";
const READ: &str = "BCM has read kubeadm-config; kubeadm itself writes the manifests from it, so that update_apiserver has nothing to do";

/// Who may have put an old text back: a sentence that follows the name of the last writer; empty if the cluster is not BCM's.
pub fn likely_writer(cx: &Cx) -> String {
    let Some(head) = cx.state.head() else { return String::new() };
    format!(
        " (likely BCM, which keeps a copy: cm-kubeadm-manage --kube-cluster {} update_configmap on {head} lets it read the repaired one)",
        cx.program().cluster
    )
}

impl Step for LearnConfig {
    fn verb(&self) -> String {
        VERB.into()
    }
    fn touches(&self) -> Touches {
        Touches::Cluster
    }
    fn agent(&self, cx: &Cx) -> NodeName {
        head::agent(cx)
    }
    fn rests_on(&self) -> &'static [&'static str] {
        &["repair-config"]
    }
    fn sample() -> Self {
        Self {}
    }

    fn probe(&self, cx: &Cx) -> Probe {
        match head::let_be(cx) {
            Some(_) => Probe::All(vec![]),
            None => Probe::Cluster(ClusterLook::KubeadmConfig),
        }
    }

    /// BCM shows its copy nowhere, so the op's own outcome is the evidence that it has read the text, and the ConfigMap is the evidence that
    /// it has not written an old one back.
    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        if let Some(verdict) = head::let_be(cx) {
            return verdict;
        }
        let Some(config) = config(reply) else { return odd(reply) };
        match (repair_config::is_right(cx, config), cx.acted) {
            (true, true) => done(READ),
            (true, false) => Assess::Ready,
            (false, _) => {
                let writer = config.managers.first().map_or("nobody known", String::as_str);
                cx.again(
                    &["repair-config"],
                    format!(
                        "kubeadm-config is not as the run has repaired it, last written by {writer}{}",
                        likely_writer(cx)
                    ),
                )
            }
        }
    }

    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        head::act(cx, BcmOp::LearnKubeadmConfig)
    }

    fn policy(&self, cx: &Cx) -> Policy {
        Policy { poll: head::POLL, ..cx.policy() }
    }
}
