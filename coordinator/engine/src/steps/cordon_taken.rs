//! A cordon of this run that somebody else takes over or removes while the node is worked on. It stops this lane and no other: the node is
//! set aside at once, whatever the budget of failures says, because the node has not failed (`machine/budget.rs`).

use super::cordon::ours;
use super::reply::blocked;
use super::{Assess, Cx};
use crate::doors::NodeView;
use crate::inventory::NodeRole;
use crate::program::CORDON_TAKEN;

/// The steps that make a node empty.
const MAKE_EMPTY: &[&str] = &["cordon", "drain"];

/// The verdict if the node does not carry the cordon that its lane rests on. A cordon that is gone is set again once: it may have been a
/// slip, and the second time it is not.
pub fn lost(cx: &Cx, node: &NodeView, again: &[&str]) -> Option<Assess> {
    let again_once = || cx.again(again, format!("node {} is not cordoned any more", node.name));
    let redone = cx.state.step(&cx.step.id).is_some_and(|step| step.redone > 0);
    match (node.unschedulable, is_worker_of_ours(cx)) {
        (true, true) if !ours(cx, node) => Some(taken(node, &by(cx, node))),
        (true, _) => None,
        (false, true) if redone => Some(taken(node, "somebody has removed it, again")),
        (false, _) => Some(again_once()),
    }
}

/// Whether this lane of a worker has cordoned its node itself since it was begun or retried.
fn is_worker_of_ours(cx: &Cx) -> bool {
    let node = cx.node();
    let mut lane = cx.state.steps_of(&node).filter(|(spec, _)| spec.phase == cx.step.phase);
    let cordoned =
        lane.any(|(spec, step)| spec.kind.step().verb() == MAKE_EMPTY[0] && step.is_done() && step.acted);
    cx.role() == NodeRole::Worker && cordoned
}

fn by(cx: &Cx, node: &NodeView) -> String {
    match (&node.owner, node.controllers.as_slice()) {
        (Some(owner), _) if owner.run != cx.state.run => format!("podlift run {} has it now", owner.run),
        (Some(_), []) => {
            let by = node.cordoned_by.as_deref().unwrap_or("somebody");
            format!("{by} has uncordoned it and cordoned it again")
        }
        (None, []) => "somebody has taken it over".into(),
        (_, [mark, ..]) => {
            format!("somebody has taken it over, and the node carries a mark of {} ({})", mark.by, mark.what)
        }
    }
}

fn taken(node: &NodeView, how: &str) -> Assess {
    let name = &node.name;
    let message = format!(
        "{name} does not carry the cordon of this run any more: {how}; the other nodes go on. Find out who works on it: podlift retry takes the node up again with the cordon that it has then, podlift defer {name} leaves it out"
    );
    blocked(CORDON_TAKEN, message, "podlift retry")
}
