//! The kubelet: its configuration, its restart, the node Ready again at the new version.

use super::types::{Assess, Cx, Policy, Step, cluster, done, facts, odd};
use crate::doors::{Act, ClusterLook, ClusterReply, NodeView, Probe, Reply};
use podlift_model::{HostOp, Look};

pub struct KubeletConfig;
pub struct KubeletRestart;
pub struct NodeReady;

impl Step for KubeletConfig {
    fn probe(&self, cx: &Cx) -> Probe {
        cx.look(Look::Facts)
    }
    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        match facts(reply) {
            None => odd(reply),
            Some(_) if cx.acted => done("/var/lib/kubelet/config.yaml written"),
            Some(_) => Assess::Ready,
        }
    }
    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        cx.host(HostOp::KubeletConfig)
    }
}

fn node(reply: &Reply) -> Option<&NodeView> {
    match cluster(reply)? {
        ClusterReply::Node(node) => Some(node),
        _ => None,
    }
}

impl Step for KubeletRestart {
    fn probe(&self, cx: &Cx) -> Probe {
        Probe::Cluster(ClusterLook::Node { node: cx.node() })
    }
    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let Some(node) = node(reply) else { return odd(reply) };
        match (node.kubelet == Some(cx.plan().to), cx.acted) {
            (true, _) => done(format!("kubelet {} reports", cx.plan().to)),
            (false, true) => Assess::Wait("the new kubelet has not reported yet".into()),
            (false, false) => Assess::Ready,
        }
    }
    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        cx.host(HostOp::KubeletRestart)
    }
}

impl Step for NodeReady {
    fn probe(&self, cx: &Cx) -> Probe {
        Probe::Cluster(ClusterLook::Node { node: cx.node() })
    }
    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let Some(node) = node(reply) else { return odd(reply) };
        match (node.ready, node.kubelet == Some(cx.plan().to)) {
            (true, true) => done(format!("Ready at {}", cx.plan().to)),
            (false, _) => Assess::Wait(format!("not Ready: {}", node.ready_message)),
            (true, false) => Assess::Wait(format!("Ready, and not at {} yet", cx.plan().to)),
        }
    }
    fn act(&self, _cx: &Cx, _reply: &Reply) -> Option<Act> {
        None
    }
    fn policy(&self, cx: &Cx) -> Policy {
        Policy {
            soak: std::time::Duration::from_secs(cx.plan().options.soak_seconds.min(5).into()),
            ..cx.policy()
        }
    }
}
