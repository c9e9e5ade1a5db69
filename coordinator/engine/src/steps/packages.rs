//! Exact package versions installed, and held.

use super::prestage::pins;
use super::types::{Assess, Cx, Policy, Step, done, facts, odd};
use crate::doors::{Act, Probe, Reply};
use crate::plan::StepKind;
use podlift_model::op::PackagePin;
use podlift_model::{HostOp, Look};

pub struct Packages;

fn wanted(cx: &Cx) -> Vec<PackagePin> {
    match &cx.step.kind {
        StepKind::Packages { packages } => pins(cx, packages),
        _ => vec![],
    }
}

impl Step for Packages {
    fn probe(&self, cx: &Cx) -> Probe {
        cx.look(Look::Facts)
    }
    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let Some(facts) = facts(reply) else { return odd(reply) };
        let pins = wanted(cx);
        let is = |p: &PackagePin| {
            facts
                .packages
                .get(p.package.name())
                .is_some_and(|s| s.version.as_ref() == Some(&p.version) && s.held)
        };
        let shown: Vec<String> = pins.iter().map(|p| format!("{} {}", p.package, p.version)).collect();
        if pins.iter().all(is) { done(format!("{}, held", shown.join(", "))) } else { Assess::Ready }
    }
    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        let repair = cx.state.step(&cx.step.id).is_some_and(|s| s.repair_dpkg);
        cx.host(HostOp::PackageInstall { packages: wanted(cx), repair })
    }
    fn policy(&self, cx: &Cx) -> Policy {
        Policy { retries: 5, ..cx.policy() }
    }
}
