//! Installs exact package versions, and holds them. A drained node must still be empty, and no kubelet becomes newer than an API server.

use super::empty::Lane;
use super::pins::{names, pins, version};
use super::reply::{all, blocked, done, facts, odd};
use super::skew;
use super::{Assess, Cx, Policy, Step, Touches};
use crate::doors::{Act, Probe, Reply};
use crate::inventory::NodeRole;
use crate::program::{Given, Shared};
use podlift_model::codes::PACKAGE_VERSION_MISSING;
use podlift_model::op::{Package, PackagePin};
use podlift_model::{HostOp, Look, PackageVersion};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Packages {
    packages: Vec<Package>,
    #[serde(default, skip_serializing_if = "Given::is_shared")]
    pins: Given<Vec<PackagePin>>,
    /// The packages are there, and only their holds may be missing: nothing is installed on a node that is not drained.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    only_hold: bool,
    /// The node's disk comes from a software image, so the step only looks, and BCM writes the node again if it is wrong.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    by_image: bool,
}

impl Packages {
    pub fn of(packages: &[Package], versions: &BTreeMap<Package, PackageVersion>) -> Self {
        let pins = Given::shared(pins(packages, versions));
        Self { packages: packages.to_vec(), pins, only_hold: false, by_image: false }
    }

    /// Packages that the node's software image brings.
    pub fn of_image(packages: &[Package], versions: &BTreeMap<Package, PackageVersion>) -> Self {
        Self { by_image: true, ..Self::of(packages, versions) }
    }

    /// Holds packages that are installed in these versions.
    pub fn held(packages: &[Package], present: &BTreeMap<Package, PackageVersion>) -> Self {
        let pins = Given::own(pins(packages, present));
        Self { packages: packages.to_vec(), pins, only_hold: true, by_image: false }
    }
}

/// The step that brings the packages of a software image.
const SYNC: &[&str] = &["sync"];

impl Step for Packages {
    fn verb(&self) -> String {
        format!("install-{}", names(&self.packages))
    }
    fn touches(&self) -> Touches {
        Touches::Cluster
    }
    fn complete(&mut self, shared: &Shared) {
        self.pins.complete(pins(&self.packages, &shared.packages));
    }
    fn sign_off(&self, _role: NodeRole) -> Option<&'static str> {
        Some("packages-held")
    }
    fn may_be_deferred(&self) -> bool {
        true
    }
    fn rests_on(&self) -> &'static [&'static str] {
        if self.by_image { SYNC } else { &["apt-source", "apt-update", "download"] }
    }
    /// Another tool may have put an old source or old lists back since they were staged.
    fn shows_loss(&self, code: &str) -> bool {
        code == PACKAGE_VERSION_MISSING
    }
    fn changes_node(&self) -> bool {
        true
    }
    fn remains(&self) -> Option<String> {
        Some(format!(
            "packages stay installed and held: {}",
            self.pins.iter().map(|p| format!("{} {}", p.package, p.version)).collect::<Vec<_>>().join(", ")
        ))
    }
    fn sample() -> Self {
        Self::of(&[Package::Kubelet, Package::Kubectl], &version())
    }

    fn probe(&self, cx: &Cx) -> Probe {
        Probe::All(std::iter::once(cx.look(Look::Facts)).chain(Lane::of(cx).looks()).collect())
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let [first, lane @ ..] = all(reply) else { return odd(reply) };
        let Some(facts) = facts(first) else { return odd(reply) };
        let is = |p: &PackagePin| {
            let state = facts.packages.get(p.package.name());
            state.is_some_and(|s| s.version.as_ref() == Some(&p.version) && s.held)
        };
        let shown: Vec<String> = self.pins.iter().map(|p| format!("{} {}", p.package, p.version)).collect();
        if self.pins.iter().all(is) {
            return done(format!("{}, held", shown.join(", ")));
        }
        let there = |p: &PackagePin| {
            facts.packages.get(p.package.name()).is_some_and(|s| s.version.as_ref() == Some(&p.version))
        };
        if self.by_image {
            let why =
                format!("{} has not what its software image has: {}, held", cx.node(), shown.join(", "));
            return cx.again(SYNC, why);
        }
        if let Some(other) = self.pins.iter().find(|p| self.only_hold && !there(p)) {
            let message = format!(
                "package {} of {} is not {} any more: the node was at the target when the plan was made, and nothing is installed on a node that is not drained; leave it out, and the next run takes it",
                other.package,
                cx.node(),
                other.version
            );
            return blocked(
                "package-changed",
                message,
                format!("podlift defer {} && podlift resume", cx.node()),
            );
        }
        let kubelet = self.pins.iter().find(|p| p.package == Package::Kubelet).map(|p| p.version.kube);
        if let Some(verdict) = kubelet.and_then(|to| skew::forbids(cx, to)) {
            return verdict;
        }
        Lane::of(cx).lost(cx, lane).unwrap_or(Assess::Ready)
    }

    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        let repair = cx.state.step(&cx.step.id).is_some_and(|s| s.repair_dpkg);
        cx.host(HostOp::PackageInstall {
            packages: self.pins.to_vec(),
            repair,
            devices: cx.state.device_override(&cx.node()),
        })
    }

    fn policy(&self, cx: &Cx) -> Policy {
        Policy { retries: 5, ..cx.policy() }
    }
}
