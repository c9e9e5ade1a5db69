//! Workers that the site's policy leaves out (`Event::BatchLeft`). A few leave the run at once. Before many do, the run pauses: a mark on too
//! many pods, or a `max-unavailable` that is too low, would otherwise end it with little done.

use super::again::defer;
use super::budget;
use super::event::Event;
use super::illegal::IllegalEvent;
use super::state::RunState;
use crate::listed::listed;
use crate::program::StopReason;
use podlift_model::{NodeName, count};
use std::collections::BTreeSet;

/// Code of the pause before many workers are left out. Its detail has their names, and a resume accepts these.
const MANY_LEFT: &str = "many-left-out";
/// Maximum number of nodes in a reason.
const NAMED: usize = 5;

/// What follows if the policy leaves these nodes out now.
pub(super) fn decided(state: &RunState, nodes: Vec<NodeName>, why: String) -> Event {
    match many(state, &nodes, &why) {
        Some(reason) => Event::RunPaused { reason, by: None, now: false },
        None => Event::BatchLeft { nodes, why },
    }
}

/// The pause, if these nodes and those before them are too many. Nodes that an operator has accepted do not count.
fn many(state: &RunState, nodes: &[NodeName], why: &str) -> Option<StopReason> {
    let before = state.left_by_policy.iter();
    let open: BTreeSet<&NodeName> =
        before.chain(nodes).filter(|node| !state.left_accepted.contains(*node)).collect();
    let all: Vec<&str> = open.into_iter().map(NodeName::as_str).collect();
    let most = budget::most_left_out(state);
    if all.len() <= most {
        return None;
    }
    let message = format!(
        "the site's policy leaves {} of {} out: {}: {why}; a run asks before it leaves more than {most} out: podlift resume goes on without those whose reason holds then; the end of their jobs, or podlift set max-unavailable N, may make the reason void before",
        all.len(),
        count(budget::workers(state), "worker"),
        listed(&all, NAMED)
    );
    let (code, next) = (MANY_LEFT.into(), "podlift resume".into());
    Some(StopReason { code, message, detail: all.join(" "), undone: String::new(), next })
}

/// A resume accepts that the policy leaves the nodes out that the pause has named.
pub(super) fn accept(s: &mut RunState, reason: &StopReason) {
    if reason.code == MANY_LEFT {
        s.left_accepted.extend(reason.detail.split_whitespace().filter_map(|name| NodeName::new(name).ok()));
    }
}

/// Records that the nodes leave the run.
pub(super) fn record(s: &mut RunState, nodes: &[NodeName], why: &str) -> Result<(), IllegalEvent> {
    if let Some(node) = nodes.iter().find(|node| s.plan.inventory.get(node).is_none()) {
        return Err(IllegalEvent::UnknownNode { node: node.clone() });
    }
    nodes.iter().try_for_each(|node| defer(s, node, why))?;
    s.left_by_policy.extend(nodes.iter().cloned());
    Ok(())
}
