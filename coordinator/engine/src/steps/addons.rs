//! CoreDNS and kube-proxy: once, after all API servers, and only those that the cluster uses.

use super::types::{Assess, Cx, Step, cluster, done, odd};
use crate::doors::{Act, ClusterLook, ClusterReply, Probe, Reply};
use podlift_model::HostOp;
use podlift_model::op::Addon;

pub struct Addons;

impl Step for Addons {
    fn probe(&self, _cx: &Cx) -> Probe {
        Probe::Cluster(ClusterLook::Addons)
    }
    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let Some(ClusterReply::Addons(view)) = cluster(reply) else { return odd(reply) };
        let (to, addons) = (cx.plan().to, &cx.plan().addons);
        if addons.is_empty() {
            return done("the cluster uses neither kubeadm's CoreDNS nor its kube-proxy");
        }
        let rolled = !addons.contains(&Addon::KubeProxy) || view.kube_proxy_version == Some(to);
        match (cx.acted, rolled) {
            (true, true) => done(addons.iter().map(Addon::name).collect::<Vec<_>>().join(", ")),
            (true, false) => Assess::Wait(format!("kube-proxy is not at {to} yet")),
            (false, _) => Assess::Ready,
        }
    }
    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        cx.host(HostOp::KubeadmAddons { to: cx.plan().to, addons: cx.plan().addons.clone() })
    }
}
