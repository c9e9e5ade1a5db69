//! Updates CoreDNS and kube-proxy: once, after all API servers, and only those that the cluster uses. Addons whose images are the target's
//! already, for example after an earlier run, are not applied again. The step is done when their pods have rolled out on every node that
//! takes part and is Ready.

use super::reply::{all, done, odd, partly};
use super::{Assess, Cx, Step, Touches, rollout};
use crate::doors::{Act, AddonsView, ClusterLook, ClusterReply, Probe, Reply};
use crate::inventory::NodeRole;
use crate::program::{Given, Shared};
use podlift_model::images::ImageRole;
use podlift_model::op::{Addon, Package};
use podlift_model::{HostOp, KubeVersion, Look};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Addons {
    #[serde(default, skip_serializing_if = "Given::is_shared")]
    to: Given<KubeVersion>,
    #[serde(default, skip_serializing_if = "Given::is_shared")]
    addons: Given<Vec<Addon>>,
}

impl Addons {
    pub fn to(version: KubeVersion, addons: Vec<Addon>) -> Self {
        Self { to: Given::shared(version), addons: Given::shared(addons) }
    }
}

impl Step for Addons {
    fn verb(&self) -> String {
        "addons".into()
    }
    fn touches(&self) -> Touches {
        Touches::Cluster
    }
    fn complete(&mut self, shared: &Shared) {
        self.to.complete(shared.to);
        self.addons.complete(shared.addons.clone());
    }
    fn sign_off(&self, _role: NodeRole) -> Option<&'static str> {
        Some("addons-upgraded")
    }
    fn remains(&self) -> Option<String> {
        Some(format!("the addons are of {}: {}", *self.to, names(&self.addons)))
    }
    fn sample() -> Self {
        Self::to(KubeVersion::new(1, 32, 9), Addon::ALL.to_vec())
    }

    fn probe(&self, cx: &Cx) -> Probe {
        let mut looks = vec![Probe::Cluster(ClusterLook::Addons), Probe::Cluster(ClusterLook::NodesLately)];
        // The kubeadm of the node applies them.
        looks.extend((!cx.acted).then(|| cx.look(Look::Facts)));
        Probe::All(looks)
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let [
            Reply::Cluster(ClusterReply::Addons(view)),
            Reply::Cluster(ClusterReply::Nodes(nodes)),
            rest @ ..,
        ] = all(reply)
        else {
            return odd(reply);
        };
        if self.addons.is_empty() {
            return done("the cluster uses neither kubeadm's CoreDNS nor its kube-proxy");
        }
        let present = self.addons.iter().all(|addon| runs_target(cx, view, *addon));
        let rolled = !self.addons.contains(&Addon::KubeProxy) || view.kube_proxy_version == Some(*self.to);
        match (cx.acted, present, rolled) {
            (true, _, false) => return Assess::Wait(format!("kube-proxy is not at {} yet", *self.to)),
            (false, false, _) => return self.lost(cx, rest.first()).unwrap_or(Assess::Ready),
            _ => {}
        }
        match (rollout::judge(cx, &self.addons, view, nodes), cx.acted) {
            (Err(why), _) => Assess::Wait(why),
            (Ok(counts), _) if !rollout::is_counted(&self.addons, view) => partly(counts),
            (Ok(counts), true) => done(counts),
            (Ok(counts), false) => {
                done(format!("{} run the images of {} already; {counts}", names(&self.addons), *self.to))
            }
        }
    }

    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        cx.host(HostOp::KubeadmAddons { to: *self.to, addons: self.addons.to_vec() })
    }
}

impl Addons {
    /// The kubeadm of the node is not of the target any more: a reboot has written an older software image to it, or a person has changed
    /// the package. An older kubeadm knows no phase for single addons.
    fn lost(&self, cx: &Cx, facts: Option<&Reply>) -> Option<Assess> {
        let package = facts.and_then(super::reply::facts)?.packages.get(Package::Kubeadm.name());
        let version = package.and_then(|p| p.version.as_ref());
        let is = version.map_or("not installed".into(), ToString::to_string);
        let why = format!("package kubeadm of {} is {is}, and addons need that of {}", cx.node(), *self.to);
        (version.map(|v| v.kube) != Some(*self.to)).then(|| cx.again(&["install-kubeadm"], why))
    }
}

fn names(addons: &[Addon]) -> String {
    addons.iter().map(Addon::name).collect::<Vec<_>>().join(", ")
}

/// Whether the addon is specified with the image that the target's kubeadm lists for the nodes.
fn runs_target(cx: &Cx, view: &AddonsView, addon: Addon) -> bool {
    let role = match addon {
        Addon::Coredns => ImageRole::Coredns,
        Addon::KubeProxy => ImageRole::KubeProxy,
    };
    let nodes = cx.program().goal.upgrade().into_iter().flat_map(|upgrade| upgrade.images.values());
    let mut wanted = nodes.flat_map(|n| n.there.iter().chain(&n.pulled)).filter(|i| ImageRole::of(i) == role);
    wanted.next().is_some_and(|image| view.images.contains(image))
}
