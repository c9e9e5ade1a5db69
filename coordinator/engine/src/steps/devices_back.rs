//! Before a node is uncordoned: it offers the GPUs, MIG devices, InfiniBand and RDMA devices that it offered before the run, and its mounts
//! are back. The device plugin needs time after the kubelet's restart, so the step waits. A lasting difference stops the run, which continues
//! only if an operator attests that it is intended.

use super::compare_fleet::accepted;
use super::reply::{all, cluster, done, odd, output};
use super::{Assess, Cx, Step, Touches};
use crate::analysis::{compare, first_unseen};
use crate::doors::{ClusterLook, ClusterReply, Probe, Reply};
use crate::inventory::NodeRole;
use crate::program::{DIFFERENCES, Recorded};
use podlift_model::{Look, OpOutput};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DevicesBack {}

impl Step for DevicesBack {
    fn verb(&self) -> String {
        "devices-back".into()
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
        let before = before(cx);
        let mut looks = vec![];
        if before.has_hardware() {
            looks.push(Probe::Cluster(ClusterLook::Hardware { node: cx.node() }));
        }
        if before.has_devices() {
            looks.push(cx.look(Look::Devices));
        }
        Probe::All(looks)
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let before = before(cx);
        let Some(after) = after(cx, reply) else { return odd(reply) };
        if let Some(why) = first_unseen(&before, &after) {
            return Assess::Wait(why);
        }
        let found = compare(&before, &after);
        let text = found.iter().map(|f| f.evidence.as_str()).collect::<Vec<_>>().join("; ");
        match accepted(cx) {
            _ if found.is_empty() && all(reply).is_empty() => done("no devices were recorded on this node"),
            _ if found.is_empty() => done("devices and mounts are as recorded before"),
            Some(a) => done(format!("{text}. Accepted by {}", a.by)),
            None => Assess::Wait(format!(
                "not as before the run: {text}. If that is meant: podlift attest {DIFFERENCES} --note WHY && podlift retry"
            )),
        }
    }
}

fn before(cx: &Cx) -> Recorded {
    cx.program().recorded.of_node(&cx.node())
}

/// `None` if a reply is of another kind than its look.
fn after(cx: &Cx, reply: &Reply) -> Option<Recorded> {
    let (node, mut out) = (cx.node(), Recorded::default());
    for one in all(reply) {
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
