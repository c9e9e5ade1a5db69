//! Writes the version into BCM's metadata of the cluster. BCM accepts any text there, so it is the exact version of the installed packages, and
//! it is read back.

use super::reply::{done, odd, output, partly};
use super::{Assess, Cx, Policy, Step, Touches, head};
use crate::doors::{Act, Probe, Reply};
use podlift_model::bcm::BcmOp;
use podlift_model::{Look, NodeName, OpOutput};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BcmVersion {}

impl Step for BcmVersion {
    fn verb(&self) -> String {
        "bcm-version".into()
    }
    fn touches(&self) -> Touches {
        Touches::Cluster
    }
    fn agent(&self, cx: &Cx) -> NodeName {
        head::agent(cx)
    }
    fn remains(&self) -> Option<String> {
        Some("BCM's metadata has the version of the target".into())
    }
    fn sample() -> Self {
        Self {}
    }

    fn probe(&self, cx: &Cx) -> Probe {
        match head::let_be(cx) {
            Some(_) => Probe::All(vec![]),
            None => head::look(cx, Look::BcmClusterVersion),
        }
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        if let Some(verdict) = head::let_be(cx) {
            return verdict;
        }
        let wanted = cx.program().bcm.as_ref().and_then(|bcm| bcm.version.as_ref());
        let (Some(OpOutput::BcmClusterVersion(is)), Some(wanted)) = (output(reply), wanted) else {
            return odd(reply);
        };
        let servers = cx.program().inventory.control_planes();
        if let Some(behind) = servers.map(|n| &n.name).find(|node| cx.state.goes_without(node)) {
            return partly(format!("left at {is}: {behind} is left out of the run"));
        }
        match (is == wanted, cx.acted) {
            (true, _) => done(format!("BCM's metadata says {wanted}")),
            (false, false) => Assess::Ready,
            (false, true) => head::disagrees(format!(
                "BCM's metadata was set to {wanted}, and says {is}: look at cmsh -c \"kubernetes use {}; get version\" on the head node",
                cx.program().cluster
            )),
        }
    }

    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        let version = cx.program().bcm.as_ref()?.version.clone()?;
        head::act(cx, BcmOp::ClusterVersion { version })
    }

    fn policy(&self, cx: &Cx) -> Policy {
        Policy { poll: head::POLL, ..cx.policy() }
    }
}
