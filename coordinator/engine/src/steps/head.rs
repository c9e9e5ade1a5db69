//! Looks at the head node, and changes that its agent makes with BCM's tools.

use super::reply::{blocked, output, partly};
use super::{Assess, Cx};
use crate::doors::{Act, Probe, Reply};
use crate::program::{BCM_BOOKS, DIFFERENCES};
use podlift_model::bcm::{BcmImage, BcmNode, BcmOp, BcmProvisioning, BcmSync, ImageName, Provisioner};
use podlift_model::{HostOp, Look, NodeName, OpOutput};
use std::time::Duration;

/// Least time between two looks, because BCM's tools are slow.
pub const POLL: Duration = Duration::from_secs(5);
const HOUR: u64 = 3600;

/// The head node of the plan.
pub fn name(cx: &Cx) -> Option<NodeName> {
    Some(cx.program().bcm.as_ref()?.head.clone())
}

/// The node whose agent runs the step's ops.
pub fn agent(cx: &Cx) -> NodeName {
    name(cx).unwrap_or_else(|| cx.node())
}

/// A look at the head node. A plan with a step of BCM has a head node.
pub fn look(cx: &Cx, look: Look) -> Probe {
    name(cx).map_or(Probe::All(vec![]), |head| Probe::Node(head, look))
}

pub fn image_look(cx: &Cx, image: &ImageName) -> Probe {
    look(cx, Look::BcmImage { image: image.clone() })
}

pub fn act(cx: &Cx, op: BcmOp) -> Option<Act> {
    Some(Act::Node(name(cx)?, HostOp::Bcm(op)))
}

/// The image in a reply; `None` within if BCM has no such image.
pub fn image(reply: &Reply) -> Option<Option<&BcmImage>> {
    match output(reply)? {
        OpOutput::BcmImage(image) => Some(image.as_deref()),
        _ => None,
    }
}

pub fn nodes(reply: &Reply) -> Option<&[BcmNode]> {
    match output(reply)? {
        OpOutput::BcmNodes(nodes) => Some(nodes),
        _ => None,
    }
}

pub fn provisioning(reply: &Reply) -> Option<&BcmProvisioning> {
    match output(reply)? {
        OpOutput::BcmProvisioning(state) => Some(state),
        _ => None,
    }
}

pub fn sync(reply: &Reply) -> Option<&BcmSync> {
    match output(reply)? {
        OpOutput::BcmSync(log) => Some(log),
        _ => None,
    }
}

/// Provisioners that serve nodes and that do not have this image's current state, by CMDaemon's own account.
pub fn stale<'a>(state: &'a BcmProvisioning, image: &ImageName) -> Vec<&'a str> {
    let lacks = |p: &&Provisioner| p.up_to_date.as_ref().is_some_and(|there| !there.contains(image));
    serving(state).filter(lacks).map(|p| p.node.as_str()).collect()
}

/// Provisioners that serve nodes.
pub fn serving(state: &BcmProvisioning) -> impl Iterator<Item = &Provisioner> {
    state.provisioners.iter().filter(|p| !p.drained)
}

/// The wait while CMDaemon works on images.
pub fn tasks(state: &BcmProvisioning) -> Option<Assess> {
    let open = state.tasks.iter().find(|t| t.state == podlift_model::bcm::TaskState::Open)?;
    Some(Assess::Wait(format!("CMDaemon is at work: task {} ({})", open.id, open.what)))
}

/// The verdict if an image is not there any more.
pub fn gone(image: &ImageName) -> Assess {
    let message = format!("software image {image} is not in BCM any more; a retry makes it again");
    blocked("bcm-missing", message, "podlift retry")
}

/// The verdict if an op ended well, and what it was to change is as before.
pub fn no_effect(what: String) -> Assess {
    blocked("bcm-no-effect", what, "podlift retry")
}

/// The verdict for one of BCM's books that a person lets be as it is: by a waiver of the plan, or by an attestation after the step failed.
pub fn let_be(cx: &Cx) -> Option<Assess> {
    if let Some(waiver) = cx.state.waived(BCM_BOOKS) {
        return Some(partly(format!("left as it is: {} waived it ({})", waiver.by, waiver.reason)));
    }
    let accepted = cx.state.accepted(&cx.step.id, "")?;
    Some(partly(format!("left as it is: {} accepted it ({})", accepted.by, accepted.note)))
}

/// The verdict for a book that BCM did not change.
pub fn disagrees(what: String) -> Assess {
    no_effect(format!("{what}. If it may stay so: podlift attest {DIFFERENCES} --note WHY && podlift retry"))
}

/// How long work in an image may take. In an image of another architecture each command is emulated: hours instead of minutes.
pub fn limit(slow: bool) -> Duration {
    Duration::from_secs(if slow { 9 * HOUR } else { HOUR })
}

/// Whether the run has tried this step already.
pub fn tried(cx: &Cx) -> bool {
    cx.state.step(&cx.step.id).is_some_and(|step| step.attempts > 0)
}
