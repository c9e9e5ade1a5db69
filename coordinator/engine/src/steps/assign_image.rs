//! Gives a node its new software image, as a value of the node. BCM writes it at the node's next sync, so a worker is drained before. A
//! control-plane node gets it when its packages are at the target: from then on a reboot brings those and no older ones.

use super::empty::Lane;
use super::image_clone::name;
use super::image_packages::{self, PACKAGES};
use super::reply::{all, blocked, done, facts, odd};
use super::{Assess, Cx, Policy, Step, StepKind, Touches, head};
use crate::doors::{Act, Probe, Reply};
use crate::inventory::NodeRole;
use podlift_model::bcm::{BcmOp, ImageFrom, ImageName};
use podlift_model::{Look, NodeFacts, NodeName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AssignImage {
    image: ImageName,
}

pub const VERB: &str = "assign-image";
/// What has to be done again on a control-plane node whose reboot brought the packages of the old image back.
const SERVER: &[&str] = &[
    "install-kubeadm",
    "install-kubelet-kubectl",
    "kubelet-config",
    "kubelet-restart",
    "node-ready",
    "verify-api",
];

impl AssignImage {
    pub fn of(image: ImageName) -> Self {
        Self { image }
    }

    /// The image that the node gets.
    pub fn image(&self) -> &ImageName {
        &self.image
    }

    /// Packages of a control-plane node that are not at the target any more.
    fn went_back(cx: &Cx, facts: &NodeFacts) -> Option<String> {
        let to = cx.program().to();
        let old = PACKAGES.iter().find_map(|p| {
            let version = facts.packages.get(p.name()).and_then(|state| state.version.clone());
            (version.as_ref().map(|v| v.kube) != Some(to)).then_some((p, version))
        });
        let (package, version) = old?;
        let is = version.map_or("not installed".into(), |v| v.to_string());
        Some(format!(
            "package {package} of {} is {is}: a reboot or a sync has written the old software image to it",
            cx.node()
        ))
    }

    /// Whether BCM may have written the node since it was assigned.
    fn is_written(cx: &Cx) -> bool {
        let node = cx.node();
        cx.state.steps_of(&node).any(|(spec, step)| {
            matches!(spec.kind, StepKind::SyncNode(_)) && (step.attempts > 0 || step.is_done())
        })
    }
}

impl Step for AssignImage {
    fn verb(&self) -> String {
        VERB.into()
    }
    fn touches(&self) -> Touches {
        Touches::Cluster
    }
    fn agent(&self, cx: &Cx) -> NodeName {
        head::agent(cx)
    }
    fn may_be_deferred(&self) -> bool {
        true
    }
    fn rests_on(&self) -> &'static [&'static str] {
        super::empty::RESTS_ON
    }
    fn remains(&self) -> Option<String> {
        Some(format!(
            "nodes that were written from software image {}, and control-plane nodes that have its packages, keep it in BCM",
            self.image
        ))
    }
    fn sample() -> Self {
        Self::of(name("dgx-image-new"))
    }

    fn probe(&self, cx: &Cx) -> Probe {
        let mut looks = vec![head::look(cx, Look::BcmNodes), head::image_look(cx, &self.image)];
        match cx.role() {
            NodeRole::Worker => looks.extend(Lane::of(cx).looks()),
            NodeRole::ControlPlane => looks.push(cx.look(Look::Facts)),
        }
        Probe::All(looks)
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let [rows, image, rest @ ..] = all(reply) else { return odd(reply) };
        let (Some(rows), Some(image)) = (head::nodes(rows), head::image(image)) else { return odd(reply) };
        let node = cx.node();
        let Some(row) = rows.iter().find(|row| row.name == node) else {
            let message = format!(
                "BCM does not list {node} any more, so that it can't be given software image {}",
                self.image
            );
            return blocked("bcm-missing", message, "podlift retry");
        };
        if row.image.as_ref() == Some(&self.image) {
            return done(format!("software image {} is assigned", self.image));
        }
        if cx.acted {
            let is = row.image.as_ref().map_or("none", |image| image.as_str());
            let message =
                format!("BCM was to give {node} software image {}, and it has {is} as before", self.image);
            return head::no_effect(message);
        }
        if let Some(verdict) = image_packages::lost(cx, &self.image, image) {
            return verdict;
        }
        match (cx.role(), rest) {
            (NodeRole::Worker, lane) => Lane::of(cx).lost(cx, lane).unwrap_or(Assess::Ready),
            (NodeRole::ControlPlane, [answer]) => match facts(answer) {
                None => odd(reply),
                Some(facts) => Self::went_back(cx, facts).map_or(Assess::Ready, |why| cx.again(SERVER, why)),
            },
            (NodeRole::ControlPlane, _) => odd(reply),
        }
    }

    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        head::act(cx, BcmOp::AssignImage { node: cx.node(), image: self.image.clone() })
    }

    /// The old image, from where the node had it, while the node has not been written from the new one. On a control-plane node the packages
    /// are new, and so its image stays.
    fn undo(&self, cx: &Cx) -> Option<Act> {
        if cx.role() == NodeRole::ControlPlane || Self::is_written(cx) {
            return None;
        }
        let node = cx.node();
        let had = cx.program().bcm.as_ref()?.nodes.get(&node)?;
        let back = match had.from {
            ImageFrom::Category => BcmOp::FollowCategory { node },
            ImageFrom::Node => BcmOp::AssignImage { node, image: had.old.clone() },
        };
        (had.old != self.image).then(|| head::act(cx, back)).flatten()
    }

    fn policy(&self, cx: &Cx) -> Policy {
        Policy { poll: head::POLL, ..cx.policy() }
    }
}
