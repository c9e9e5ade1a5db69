//! Writes the kubelet's configuration file from ConfigMap kubelet-config.

use super::reply::{done, facts, odd};
use super::{Assess, Cx, Step, Touches};
use crate::doors::{Act, Probe, Reply};
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
    fn sample() -> Self {
        Self {}
    }

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
