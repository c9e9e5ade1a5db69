//! Before a node is uncordoned: it offers the GPUs, MIG devices, InfiniBand and RDMA devices that it offered before the run, and its mounts
//! are back. The device plugin needs time after the kubelet's restart, so the step waits. A lasting difference stops the run, which continues
//! only if an operator attests that it is intended.

use super::reply::{all, cluster, done, odd, output};
use super::{Assess, Cx, Step, Touches};
use crate::analysis::{compare, first_unseen};
use crate::doors::{ClusterLook, ClusterReply, Probe, Reply};
use crate::inventory::NodeRole;
use crate::program::{DIFFERENCES, Evidence, Finding, Recorded};
use podlift_model::{Look, OpOutput};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DevicesBack {}

const VERB: &str = "devices-back";

impl Step for DevicesBack {
    fn verb(&self) -> String {
        VERB.into()
    }
    fn touches(&self) -> Touches {
        Touches::Nothing
    }
    fn sign_off(&self, _role: NodeRole) -> Option<&'static str> {
        Some("as-recorded")
    }
    fn may_be_deferred(&self) -> bool {
        true
    }
    fn sample() -> Self {
        Self {}
    }

    /// Only what was recorded of this node is asked for.
    fn probe(&self, cx: &Cx) -> Probe {
        Probe::All(looks(cx))
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let found = match found(cx, all(reply)) {
            None => return odd(reply),
            Some(Err(why)) => return Assess::Wait(why),
            Some(Ok(found)) => found,
        };
        let text = text(&found);
        match cx.state.accepted(&cx.step.id, &text) {
            _ if found.is_empty() => whole(cx, all(reply).is_empty()),
            Some(a) => done(format!("{text}. Accepted by {}", a.by)),
            None => Assess::Wait(format!(
                "not as before the run: {text}. If that is meant: podlift attest {DIFFERENCES} --note WHY && podlift retry"
            )),
        }
    }
}

/// The questions about what was recorded of this node.
pub fn looks(cx: &Cx) -> Vec<Probe> {
    let (before, mut looks) = (before(cx), vec![]);
    if before.has_hardware() {
        looks.push(Probe::Cluster(ClusterLook::Hardware { node: cx.node() }));
    }
    if before.has_devices() {
        looks.push(cx.look(Look::Devices));
    }
    looks
}

/// The differences from before the run, or what can't be seen; `None` if a reply is of another kind than its look.
pub fn found(cx: &Cx, replies: &[Reply]) -> Option<Result<Vec<Finding>, String>> {
    let (before, after) = (before(cx), after(cx, replies)?);
    Some(match first_unseen(&before, &after) {
        Some(why) => Err(why),
        None => Ok(compare(&before, &after)),
    })
}

/// Whether an operator has attested that these differences are intended, when the step of the same lane had shown them.
pub fn is_accepted(cx: &Cx, found: &[Finding]) -> bool {
    let node = cx.node();
    let mut lane = cx.state.steps_of(&node).filter(|(spec, _)| spec.phase == cx.step.phase);
    let mine = lane.find(|(spec, _)| spec.kind.step().verb() == VERB);
    mine.is_some_and(|(spec, _)| cx.state.accepted(&spec.id, &text(found)).is_some())
}

/// The differences in one line.
pub fn text(found: &[Finding]) -> String {
    found.iter().map(|f| f.evidence.as_str()).collect::<Vec<_>>().join("; ")
}

/// No difference: from all that was recorded, or only from what could be seen when the plan was made.
fn whole(cx: &Cx, nothing: bool) -> Assess {
    let unseen = cx.program().recorded.unseen_of_node(&cx.node());
    match (unseen.is_empty(), nothing) {
        (true, true) => done("no devices were recorded on this node"),
        (true, false) => done("devices and mounts are as recorded before"),
        (false, _) => {
            let what = format!("not compared, because the plan could not see it: {}", unseen.join("; "));
            Assess::Done(Evidence::Partly { what })
        }
    }
}

fn before(cx: &Cx) -> Recorded {
    cx.program().recorded.of_node(&cx.node())
}

/// `None` if a reply is of another kind than its look.
fn after(cx: &Cx, replies: &[Reply]) -> Option<Recorded> {
    let (node, mut out) = (cx.node(), Recorded::default());
    for one in replies {
        match (cluster(one), output(one)) {
            (Some(ClusterReply::Hardware(hardware)), _) => {
                out.hardware = Ok(hardware.iter().map(|h| (node.clone(), h.clone())).collect());
            }
            (_, Some(OpOutput::Devices(devices))) => {
                out.mounts.insert(node.clone(), devices.mounts.clone());
                out.infiniband.insert(node.clone(), devices.infiniband.clone());
            }
            _ => return None,
        }
    }
    Some(out)
}
