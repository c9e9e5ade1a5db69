//! Points the node's apt source at the repository of the target's minor.

use super::paths;
use super::reply::{done, facts, odd};
use super::{Assess, Cx, Step, Touches};
use crate::doors::{Act, Probe, Reply};
use crate::program::{Given, Shared};
use podlift_model::{HostOp, KubeVersion, Look};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AptSource {
    #[serde(default, skip_serializing_if = "Given::is_shared")]
    to: Given<KubeVersion>,
}

impl AptSource {
    pub fn to(version: KubeVersion) -> Self {
        Self { to: Given::shared(version) }
    }
}

impl Step for AptSource {
    fn verb(&self) -> String {
        "apt-source".into()
    }
    fn touches(&self) -> Touches {
        Touches::Cluster
    }
    fn complete(&mut self, shared: &Shared) {
        self.to.complete(shared.to);
    }
    fn remains(&self) -> Option<String> {
        Some(format!("{} points at the repository of {}", paths::APT_SOURCE, self.to.minor()))
    }
    fn sample() -> Self {
        Self::to(podlift_model::KubeVersion::new(1, 32, 9))
    }

    fn probe(&self, cx: &Cx) -> Probe {
        cx.look(Look::Facts)
    }

    fn assess(&self, _cx: &Cx, reply: &Reply) -> Assess {
        let Some(facts) = facts(reply) else { return odd(reply) };
        let minor = self.to.minor();
        if facts.apt_minor == Some(minor) { done(format!("repository of {minor}")) } else { Assess::Ready }
    }

    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        cx.host(HostOp::AptSource { minor: self.to.minor() })
    }
}
