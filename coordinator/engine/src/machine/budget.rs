//! The budget of failures: how many workers may fail before the run pauses. A failed worker within the budget is set aside, with its cordon,
//! and the run goes on without it. A failure of a control-plane node or of the cluster pauses the run at once.

use super::next::Next;
use super::state::{Aside, RunState};
use crate::inventory::NodeRole;
use crate::program::{CANARY, CORDON_TAKEN, Limit, NEVER_INTERRUPT, StepSpec, StopReason, WORKERS};
use podlift_model::{NodeName, agree, codes, count};
use std::collections::BTreeSet;

/// The usual share of workers, once the first ones are over.
const USUAL: Limit = Limit::Percent(5);
/// Maximum number of nodes in a reason.
const NAMED: usize = 5;
/// The share of workers that a run leaves out by itself, but never fewer than `LEAST_LEFT_OUT`. One more pauses the run. Workers that it gives
/// up count together, and workers that the site's policy leaves out (`leave`).
const LEFT_OUT: Limit = Limit::Percent(10);
const LEAST_LEFT_OUT: usize = 3;

/// What follows from the failures that no pause has named yet: workers that could not even be begun are deferred one by one, then workers
/// within the budget are set aside, and any other failure pauses the run.
pub(super) fn judge(state: &RunState) -> Option<Next> {
    let fresh: Vec<_> = state.failed_steps().filter(|(spec, _)| !state.steps[&spec.id].parked).collect();
    if fresh.is_empty() {
        return None;
    }
    if let Some(next) = fresh.iter().find_map(|(spec, reason)| deferral(state, spec, reason)) {
        return Some(next);
    }
    if fresh.iter().any(|(spec, _)| spec.kind.step().yields()) && too_many_away(state) {
        return pause(state);
    }
    let forbidden = fresh.iter().find(|(_, reason)| is_forbidden(reason));
    if let Some((spec, reason)) = forbidden
        && let Some(node) = worker(state, spec)
    {
        // Nothing is wrong with the node: it is given back, and left out, and costs no budget.
        let defer = || Next::Defer { node: node.clone(), reason: reason.message.clone() };
        return if too_many_away(state) { pause(state) } else { Some(defer()) };
    }
    let taken = fresh.iter().find(|(spec, reason)| is_taken(reason) && worker(state, spec).is_some());
    if let Some((spec, reason)) = taken {
        return set_aside(state, spec, reason);
    }
    let workers = fresh.iter().map(|(spec, _)| worker(state, spec)).collect::<Option<Vec<_>>>();
    match workers {
        Some(_) if failed(state) < limit(state) => {
            let (spec, reason) = fresh[0];
            set_aside(state, spec, reason)
        }
        _ => pause(state),
    }
}

fn set_aside(state: &RunState, spec: &StepSpec, reason: &StopReason) -> Option<Next> {
    let (node, step) = (worker(state, spec)?.clone(), spec.id.clone());
    Some(Next::SetAside { node, step, reason: Box::new(reason.clone()) })
}

/// The pause for nodes whose cordon somebody has taken over: it comes when all other workers are over, so that a retry can still take the
/// nodes up. A resume goes on without them.
pub(super) fn taken(state: &RunState) -> Option<StopReason> {
    let of_workers = |name: &str| [CANARY, WORKERS].contains(&name);
    let workers = state.plan.phases.iter().rposition(|phase| of_workers(&phase.name))?;
    if state.track.phase().is_some_and(|phase| phase <= workers) {
        return None;
    }
    let waits = |(node, aside): &(&NodeName, &Aside)| {
        is_taken(&aside.reason) && !state.goes_on_without.contains(*node)
    };
    state.set_aside.iter().find(waits).map(|(_, aside)| aside.reason.clone())
}

/// Whether somebody else works on the node, so that it has not failed.
pub(super) fn is_taken(reason: &StopReason) -> bool {
    reason.code == CORDON_TAKEN
}

/// Whether a pod forbids the drain, so that the node has not failed.
fn is_forbidden(reason: &StopReason) -> bool {
    reason.code == NEVER_INTERRUPT
}

/// The pause for the first failure.
pub(super) fn pause(state: &RunState) -> Option<Next> {
    let mut failed = state.failed_steps();
    let first = state.failed_steps().find(|(spec, _)| !state.steps[&spec.id].parked);
    let (spec, reason) = first.or_else(|| failed.next())?;
    let message = format!("{}: {}", spec.id, reason.message);
    if (spec.kind.step().yields() || is_forbidden(reason)) && too_many_away(state) {
        let message = given_up(state, spec, &message);
        return Some(Next::Pause(Box::new(StopReason { message, ..reason.clone() })));
    }
    let others = state.set_aside.values().any(|aside| !is_taken(&aside.reason));
    let reason = match worker(state, spec).is_some() && others {
        true => {
            StopReason { code: codes::BUDGET_SPENT.into(), message: spent(state, &message), ..reason.clone() }
        }
        false => StopReason { message, ..reason.clone() },
    };
    Some(Next::Pause(Box::new(reason)))
}

fn spent(state: &RunState, last: &str) -> String {
    let others = state.set_aside.iter().filter(|(_, aside)| !is_taken(&aside.reason));
    let before: Vec<String> =
        others.map(|(node, aside)| format!("{node} ({})", aside.reason.message)).collect();
    format!(
        "{} {} failed, and the run goes on only while fewer than {} have: {last}; before: {}",
        count(failed(state), "worker"),
        agree(failed(state), "has", "have"),
        limit(state),
        before.join(", ")
    )
}

/// The reason with the other workers that the run has given up.
fn given_up(state: &RunState, spec: &StepSpec, last: &str) -> String {
    let (nodes, others) = (state.gave_up.iter().take(NAMED), count(state.gave_up.len(), "other worker"));
    let nodes = nodes.map(NodeName::as_str).collect::<Vec<_>>().join(", ");
    let node = worker(state, spec).map_or("NODE", NodeName::as_str);
    match spec.kind.step().yields() {
        true => format!(
            "{last}; {others} away, too, and left out ({nodes}, …): see whether the network or this head node is the cause; podlift include NODE takes one in again"
        ),
        false => format!(
            "{last}; {others} left out before ({nodes}, …), and the run leaves no more out by itself: podlift defer {node} leaves this one out"
        ),
    }
}

/// A worker that could not even be begun is left out.
fn deferral(state: &RunState, spec: &StepSpec, reason: &StopReason) -> Option<Next> {
    let node = spec.node.as_ref().filter(|_| spec.kind.step().yields())?;
    let mut lane = state.steps_of(node).filter(|(x, _)| x.phase == spec.phase);
    let fresh = lane.all(|(_, step)| step.attempts == 0);
    (fresh && !too_many_away(state))
        .then(|| Next::Defer { node: node.clone(), reason: reason.message.clone() })
}

/// Whether so many workers were given up that the cause may lie elsewhere: in the network, at the coordinator, or in a mark on many pods.
fn too_many_away(state: &RunState) -> bool {
    state.gave_up.len() >= most_left_out(state)
}

/// How many workers a run leaves out by itself.
pub(super) fn most_left_out(state: &RunState) -> usize {
    LEFT_OUT.of(workers(state)).max(LEAST_LEFT_OUT)
}

/// Workers that take part from the start.
pub(super) fn workers(state: &RunState) -> usize {
    let workers = state.plan.inventory.of_role(NodeRole::Worker).map(|n| &n.name);
    workers.filter(|n| state.plan.left_out(n).is_none() && state.steps_of(n).next().is_some()).count()
}

fn worker<'a>(state: &RunState, spec: &'a StepSpec) -> Option<&'a NodeName> {
    let node = spec.node.as_ref()?;
    state.plan.inventory.get(node).filter(|n| n.role == NodeRole::Worker).map(|_| node)
}

/// How many workers have failed so far.
fn failed(state: &RunState) -> usize {
    let now: BTreeSet<&NodeName> = state.failed_steps().filter_map(|(spec, _)| worker(state, spec)).collect();
    let aside = state.set_aside.iter().filter(|(_, aside)| !is_taken(&aside.reason)).map(|(node, _)| node);
    aside.filter(|node| !now.contains(node)).count() + now.len()
}

/// The number of failed workers at which the run pauses.
pub(super) fn limit(state: &RunState) -> usize {
    match state.plan.options.max_failed {
        Some(limit) => limit.of(workers(state)),
        None if first_are_over(state) => USUAL.of(workers(state)),
        None => 1,
    }
}

impl RunState {
    /// Whether as many workers as go first have been changed by this run, brought to its version, and have stayed so as long as the plan
    /// wants it.
    pub fn is_proven(&self) -> bool {
        let first = self.plan.options.canary as usize;
        // Only lanes that are over can show it, and at first there are few of them in thousands.
        let phases = self.plan.phases.iter().enumerate();
        let phases = phases.filter(|(_, phase)| [CANARY, WORKERS].contains(&phase.name.as_str()));
        let workers = phases.flat_map(|(at, _)| self.track.over_nodes(&self.plan, at));
        let changed = |node: &NodeName| {
            self.steps_of(node).any(|(spec, step)| step.is_done() && spec.kind.step().brings_settings())
        };
        workers.filter(|node| self.is_upgraded(node) && changed(node)).take(first).count() == first
    }
}

/// Whether as many workers are at the run's version as go first.
fn first_are_over(state: &RunState) -> bool {
    let wanted = state.plan.options.canary.max(1) as usize;
    let workers = state.plan.inventory.of_role(NodeRole::Worker);
    workers.filter(|n| state.is_upgraded(&n.name)).take(wanted).count() == wanted
}
