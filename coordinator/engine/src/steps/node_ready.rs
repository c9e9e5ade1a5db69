//! Waits until the node is Ready at its new version and stays so for up to 5 seconds (less if the soak is shorter).

use super::reply::{done, node, odd};
use super::{Assess, Cx, Policy, Step, Touches};
use crate::doors::{ClusterLook, Probe, Reply};
use crate::inventory::NodeRole;
use crate::program::{Given, Shared};
use podlift_model::KubeVersion;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NodeReady {
    #[serde(default, skip_serializing_if = "Given::is_shared")]
    pub version: Given<KubeVersion>,
}

impl NodeReady {
    pub fn at(version: KubeVersion) -> Self {
        Self { version: Given::shared(version) }
    }
}

impl Step for NodeReady {
    fn verb(&self) -> String {
        "node-ready".into()
    }
    fn touches(&self) -> Touches {
        Touches::Nothing
    }
    fn complete(&mut self, shared: &Shared) {
        self.version.complete(shared.to);
    }
    fn sign_off(&self, role: NodeRole) -> Option<&'static str> {
        Some(match role {
            NodeRole::ControlPlane => "control-plane-kubelets",
            NodeRole::Worker => "workers-upgraded",
        })
    }
    fn may_be_deferred(&self) -> bool {
        true
    }
    fn brings_to(&self) -> Option<KubeVersion> {
        Some(*self.version)
    }
    fn sample() -> Self {
        Self::at(KubeVersion::new(1, 32, 9))
    }

    fn probe(&self, cx: &Cx) -> Probe {
        Probe::Cluster(ClusterLook::Node { node: cx.node() })
    }

    fn assess(&self, _cx: &Cx, reply: &Reply) -> Assess {
        let Some(node) = node(reply) else { return odd(reply) };
        let version = *self.version;
        match (node.ready, node.kubelet == Some(version)) {
            (true, true) => done(format!("Ready at {version}")),
            (false, _) => Assess::Wait(format!("not Ready: {}", node.ready_message)),
            (true, false) => Assess::Wait(format!("Ready, and not at {version} yet")),
        }
    }

    fn policy(&self, cx: &Cx) -> Policy {
        let soak = Duration::from_secs(cx.program().options.soak_seconds.min(5).into());
        Policy { soak, ..cx.policy() }
    }
}
