//! Before anything is disrupted, on all nodes at once: repository of the target's minor, package lists, packages and images fetched.

use super::types::{Assess, Cx, Step, done, facts, odd};
use crate::doors::{Act, Probe, Reply};
use crate::plan::StepKind;
use podlift_model::op::PackagePin;
use podlift_model::{HostOp, Look};

pub struct AptSource;
pub struct AptUpdate;
pub struct Download;
pub struct ImagePull;

impl Step for AptSource {
    fn probe(&self, cx: &Cx) -> Probe {
        cx.look(Look::Facts)
    }
    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let Some(facts) = facts(reply) else { return odd(reply) };
        let minor = cx.plan().to.minor();
        if facts.apt_minor == Some(minor) { done(format!("repository of {minor}")) } else { Assess::Ready }
    }
    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        cx.host(HostOp::AptSource { minor: cx.plan().to.minor() })
    }
}

/// Ops that leave nothing to look at but their own end, and that harm nothing when repeated.
fn once(cx: &Cx, what: &str) -> Assess {
    if cx.acted { done(what) } else { Assess::Ready }
}

impl Step for AptUpdate {
    fn probe(&self, cx: &Cx) -> Probe {
        cx.look(Look::Facts)
    }
    fn assess(&self, cx: &Cx, _reply: &Reply) -> Assess {
        once(cx, "package lists fetched")
    }
    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        cx.host(HostOp::AptUpdate)
    }
}

impl Step for Download {
    fn probe(&self, cx: &Cx) -> Probe {
        cx.look(Look::Facts)
    }
    fn assess(&self, cx: &Cx, _reply: &Reply) -> Assess {
        once(cx, "packages downloaded")
    }
    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        let StepKind::Download { packages } = &cx.step.kind else { return None };
        cx.host(HostOp::PackageDownload { packages: pins(cx, packages) })
    }
}

impl Step for ImagePull {
    fn probe(&self, cx: &Cx) -> Probe {
        cx.look(Look::Facts)
    }
    fn assess(&self, cx: &Cx, _reply: &Reply) -> Assess {
        once(cx, "images pulled")
    }
    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        cx.host(HostOp::ImagePull { to: cx.plan().to })
    }
}

/// The exact versions of the plan.
pub(super) fn pins(cx: &Cx, packages: &[podlift_model::op::Package]) -> Vec<PackagePin> {
    let versions = &cx.plan().packages;
    let pin =
        |p: &podlift_model::op::Package| Some(PackagePin { package: *p, version: versions.get(p)?.clone() });
    packages.iter().filter_map(pin).collect()
}
