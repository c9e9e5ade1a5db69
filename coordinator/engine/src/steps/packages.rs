//! Installs exact package versions, and holds them.

use super::pins::{names, pins, version};
use super::reply::{done, facts, odd};
use super::{Assess, Cx, Policy, Step, Touches};
use crate::doors::{Act, Probe, Reply};
use crate::inventory::NodeRole;
use crate::program::{Given, Shared};
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
}

impl Packages {
    pub fn of(packages: &[Package], versions: &BTreeMap<Package, PackageVersion>) -> Self {
        Self { packages: packages.to_vec(), pins: Given::shared(pins(packages, versions)) }
    }
}

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
    fn sample() -> Self {
        Self::of(&[Package::Kubelet, Package::Kubectl], &version())
    }

    fn probe(&self, cx: &Cx) -> Probe {
        cx.look(Look::Facts)
    }

    fn assess(&self, _cx: &Cx, reply: &Reply) -> Assess {
        let Some(facts) = facts(reply) else { return odd(reply) };
        let is = |p: &PackagePin| {
            let state = facts.packages.get(p.package.name());
            state.is_some_and(|s| s.version.as_ref() == Some(&p.version) && s.held)
        };
        let shown: Vec<String> = self.pins.iter().map(|p| format!("{} {}", p.package, p.version)).collect();
        if self.pins.iter().all(is) { done(format!("{}, held", shown.join(", "))) } else { Assess::Ready }
    }

    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        let repair = cx.state.step(&cx.step.id).is_some_and(|s| s.repair_dpkg);
        cx.host(HostOp::PackageInstall { packages: self.pins.to_vec(), repair })
    }

    fn policy(&self, cx: &Cx) -> Policy {
        Policy { retries: 5, ..cx.policy() }
    }
}
