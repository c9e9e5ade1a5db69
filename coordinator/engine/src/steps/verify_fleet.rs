//! Checks the fleet as a whole at the end: versions and cordons of all nodes, nodes that joined meanwhile, the rollout of the addons, and
//! each API server separately.
//! Control-plane nodes have to be Ready. A worker that is not Ready at this moment is named, because each node was verified on its own.

use super::reply::{all, blocked, odd};
use super::{Assess, Cx, Step, Touches, rollout};
use crate::doors::{ClusterLook, ClusterReply, NodeView, Probe, Reply};
use crate::inventory::NodeRole;
use crate::program::{Evidence, Given, Shared};
use podlift_model::KubeVersion;
use podlift_model::op::Addon;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VerifyFleet {
    #[serde(default, skip_serializing_if = "Given::is_shared")]
    to: Given<KubeVersion>,
    /// Judges every node of the cluster, and leaves kubelets at the older version that they have. For a run that changes no version.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    as_they_are: bool,
}

impl VerifyFleet {
    pub fn to(version: KubeVersion) -> Self {
        Self { to: Given::shared(version), as_they_are: false }
    }

    /// For a run that leaves all versions as they are.
    pub fn as_they_are(version: KubeVersion) -> Self {
        Self { to: Given::shared(version), as_they_are: true }
    }

    fn judges(&self, cx: &Cx, node: &NodeView) -> bool {
        match self.as_they_are {
            true => !cx.state.goes_without(&node.name) && cx.program().inventory.get(&node.name).is_some(),
            false => chosen(cx, node),
        }
    }

    /// Nodes of the run that the cluster does not list.
    fn gone<'a>(&self, cx: &Cx<'a>, nodes: &[NodeView]) -> Vec<&'a str> {
        let mine = cx.program().inventory.nodes.iter().filter(|n| self.judges(cx, &n.view));
        mine.map(|n| &n.name)
            .filter(|name| !nodes.iter().any(|n| n.name == **name))
            .map(|n| n.as_str())
            .collect()
    }

    fn is_right(&self, node: &NodeView) -> bool {
        match self.as_they_are {
            true => node.kubelet.is_none_or(|v| v <= *self.to),
            false => node.kubelet == Some(*self.to),
        }
    }
}

impl Step for VerifyFleet {
    fn verb(&self) -> String {
        "verify-fleet".into()
    }
    fn touches(&self) -> Touches {
        Touches::Nothing
    }
    fn complete(&mut self, shared: &Shared) {
        self.to.complete(shared.to);
    }
    fn sign_off(&self, _role: NodeRole) -> Option<&'static str> {
        Some("fleet-verified")
    }
    fn sample() -> Self {
        Self::to(KubeVersion::new(1, 32, 9))
    }

    fn probe(&self, cx: &Cx) -> Probe {
        let endpoints = cx.api_servers();
        let mut looks = vec![ClusterLook::Nodes, ClusterLook::ProbeApiServers { endpoints }];
        looks.extend((!addons(cx).is_empty()).then_some(ClusterLook::Addons));
        Probe::All(looks.into_iter().map(Probe::Cluster).collect())
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let [
            Reply::Cluster(ClusterReply::Nodes(nodes)),
            Reply::Cluster(ClusterReply::Probes(probes)),
            rest @ ..,
        ] = all(reply)
        else {
            return odd(reply);
        };
        if let Some(down) = probes.iter().find(|p| !p.ok) {
            return Assess::Wait(format!("API server {} is not ready: {}", down.endpoint, down.why));
        }
        let (to, planned) = (*self.to, |n: &&NodeView| self.judges(cx, n));
        let gone: Vec<&str> = self.gone(cx, nodes);
        if !gone.is_empty() {
            let message = format!(
                "nodes of the plan are not in the cluster any more: {}; podlift defer NODE leaves one out",
                gone.join(", ")
            );
            return blocked("node-gone", message, "podlift retry");
        }
        let unready = || nodes.iter().filter(planned).filter(|n| !n.ready);
        if let Some(n) = unready().find(|n| n.control_plane) {
            return Assess::Wait(format!("node {} is not Ready: {}", n.name, n.ready_message));
        }
        let behind: Vec<String> =
            nodes.iter().filter(planned).filter(|n| !self.is_right(n)).map(|n| n.name.to_string()).collect();
        if !behind.is_empty() {
            let message = format!(
                "not at {to} at the end of the run: {}; this run does not upgrade them once more: leave each out, and the next run takes it",
                behind.join(", ")
            );
            return blocked(
                "not-at-target",
                message,
                format!("podlift defer {} && podlift resume", behind[0]),
            );
        }
        let ours = |n: &&NodeView| n.unschedulable && n.cordon_owner().is_some_and(|o| o.run == cx.state.run);
        if let Some(n) = nodes.iter().filter(ours).find(|n| !cx.state.goes_without(&n.name)) {
            return blocked(
                "cordon-left",
                format!("node {} still carries this run's cordon", n.name),
                format!("kubectl uncordon {} && podlift retry", n.name),
            );
        }
        let rolled = match rest {
            [] => String::new(),
            [Reply::Cluster(ClusterReply::Addons(view))] => match rollout::judge(cx, addons(cx), view, nodes)
            {
                Ok(counts) => format!("; {counts}"),
                Err(why) => return Assess::Wait(why),
            },
            _ => return odd(reply),
        };
        let added: Vec<_> = nodes
            .iter()
            .filter(|n| cx.program().inventory.get(&n.name).is_none())
            .map(|n| n.name.clone())
            .collect();
        let what = format!(
            "{} {} {to}, {} ready by themselves{rolled}{}",
            podlift_model::count(nodes.iter().filter(planned).count(), "node"),
            if self.as_they_are { "not above" } else { "at" },
            podlift_model::count(probes.len(), "API server"),
            away(&unready().map(|n| n.name.as_str()).collect::<Vec<_>>())
        );
        Assess::Done(Evidence::Fleet { what, added })
    }
}

/// The addons that the cluster uses and the run upgrades.
fn addons<'a>(cx: &Cx<'a>) -> &'a [Addon] {
    cx.program().goal.upgrade().map(|upgrade| upgrade.addons.as_slice()).unwrap_or_default()
}

fn chosen(cx: &Cx, node: &NodeView) -> bool {
    let in_plan = cx.state.steps_of(&node.name).next().is_some();
    in_plan && cx.program().chosen(&node.name) && !cx.state.goes_without(&node.name)
}

/// Workers that are not Ready at this moment.
fn away(names: &[&str]) -> String {
    if names.is_empty() { String::new() } else { format!("; not Ready at this moment: {}", names.join(", ")) }
}
