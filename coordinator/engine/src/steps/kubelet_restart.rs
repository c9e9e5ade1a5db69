//! Restarts the kubelet, and waits until it reports its new version. A drained node must still be empty right before. Only a restart of this
//! attempt counts: the version alone does not show that the kubelet has read the configuration that the lane has written.

use super::empty::{Lane, RESTS_ON};
use super::manifests::unknown_images;
use super::reply::{all, done, facts, node, odd, output};
use super::{Assess, Cx, Step, Touches, etcd_ready, skew};
use crate::doors::{Act, ClusterLook, Probe, Reply};
use crate::inventory::NodeRole;
use crate::program::{Given, Shared};
use podlift_model::images::ImagesState;
use podlift_model::op::Package;
use podlift_model::{HostOp, KubeVersion, Look, NodeFacts, OpOutput};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KubeletRestart {
    #[serde(default, skip_serializing_if = "Given::is_shared")]
    to: Given<KubeVersion>,
}

impl KubeletRestart {
    pub fn to(version: KubeVersion) -> Self {
        Self { to: Given::shared(version) }
    }
}

const INSTALL: &str = "install-kubelet-kubectl";
const PULL: &str = "image-pull";

impl KubeletRestart {
    /// What an earlier step gave and is gone now: the package with its hold, or images of the static pods.
    fn lost(&self, cx: &Cx, facts: &NodeFacts, images: Option<&ImagesState>) -> Option<Assess> {
        let package = facts.packages.get(Package::Kubelet.name());
        let version = package.and_then(|p| p.version.as_ref());
        if version.map(|v| v.kube) != Some(*self.to) || !package.is_some_and(|p| p.held) {
            let is = version.map_or("not installed".into(), ToString::to_string);
            let what = format!(
                "package kubelet on {} is {is}, or its hold is gone: expected {} and held",
                cx.node(),
                *self.to
            );
            return Some(cx.again(&[INSTALL], what));
        }
        let lacking: Vec<&str> =
            images.into_iter().flat_map(ImagesState::lacking).map(|i| i.image.as_str()).collect();
        if !lacking.is_empty() {
            let what =
                format!("images of static pods are not on {} any more: {}", cx.node(), lacking.join(", "));
            return Some(cx.again(&[PULL], what));
        }
        images.and_then(|images| unknown_images(cx, images))
    }
}

impl Step for KubeletRestart {
    fn verb(&self) -> String {
        "kubelet-restart".into()
    }
    fn touches(&self) -> Touches {
        Touches::Cluster
    }
    fn complete(&mut self, shared: &Shared) {
        self.to.complete(shared.to);
    }
    fn may_be_deferred(&self) -> bool {
        true
    }
    fn rests_on(&self) -> &'static [&'static str] {
        RESTS_ON
    }
    fn changes_node(&self) -> bool {
        true
    }
    fn remains(&self) -> Option<String> {
        Some(format!("the kubelet runs at {}", *self.to))
    }
    fn sample() -> Self {
        Self::to(podlift_model::KubeVersion::new(1, 32, 9))
    }

    fn probe(&self, cx: &Cx) -> Probe {
        let mut looks = vec![Probe::Cluster(ClusterLook::Node { node: cx.node() }), cx.look(Look::Facts)];
        // A new kubelet makes the static pods anew, and needs their images.
        if cx.role() == NodeRole::ControlPlane {
            looks.push(cx.look(Look::Images { to: *self.to }));
            // The node's own member may be away once the restart has begun.
            if !cx.acted {
                looks.extend(etcd_ready::looks(cx));
            }
        }
        looks.extend(Lane::of(cx).looks());
        Probe::All(looks)
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let [first, second, rest @ ..] = all(reply) else { return odd(reply) };
        let (Some(node), Some(facts)) = (node(first), facts(second)) else { return odd(reply) };
        let (images, others, lane) = match (cx.role(), cx.acted, rest) {
            (NodeRole::Worker, _, lane) => (None, None, lane),
            (NodeRole::ControlPlane, false, [images, etcd, probes, nodes, lane @ ..]) => {
                (Some(images), Some([etcd.clone(), probes.clone(), nodes.clone()]), lane)
            }
            (NodeRole::ControlPlane, true, [images, lane @ ..]) => (Some(images), None, lane),
            (NodeRole::ControlPlane, _, _) => return odd(reply),
        };
        let images = match images.map(output) {
            None => None,
            Some(Some(OpOutput::Images(images))) => Some(images),
            Some(_) => return odd(reply),
        };
        match (node.kubelet == Some(*self.to), cx.acted) {
            (true, true) => done(format!("kubelet {} reports", *self.to)),
            (false, true) => Assess::Wait("the new kubelet has not reported yet".into()),
            // A kubelet of the right version may run with the configuration from before the lane wrote it.
            (_, false) => {
                let alone = || others.and_then(|replies| etcd_ready::lost(cx, &replies));
                let lost =
                    || self.lost(cx, facts, images).or_else(|| Lane::of(cx).lost(cx, lane)).or_else(alone);
                skew::forbids(cx, *self.to).or_else(lost).unwrap_or(Assess::Ready)
            }
        }
    }

    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        cx.host(HostOp::KubeletRestart { devices: cx.state.device_override(&cx.node()) })
    }
}
