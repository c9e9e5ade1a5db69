//! Which steps become pending again: by a retry, by a result that is gone, by a node that takes part again; and which are skipped by a
//! deferral, by the loss of a node, or with a failed worker that is set aside.

use super::admission;
use super::illegal::IllegalEvent;
use super::state::{Aside, RunState, UNCORDON};
use super::step::{StepState, StepStatus};
use crate::program::{Lane, Phase, Program, StepSpec, StopReason, Waiver};
use jiff::Timestamp;
use podlift_model::{NodeName, StepId};
use std::collections::BTreeSet;

/// After a waiver was lifted: the repairs are due again, and so are the steps that bring a loss of it back to a node, as far as they have
/// begun. A lane that takes its node or its API server out of work is due as a whole, because a setting is in force only after it.
pub(super) fn bring_settings(s: &mut RunState, waiver: &Waiver) {
    let mut again: BTreeSet<StepId> = BTreeSet::new();
    for lane in s.plan.phases.iter().flat_map(|phase| &phase.lanes) {
        let drained = lane.steps.iter().any(|spec| spec.kind.step().counterpart() == Some(UNCORDON));
        let whole = drained || lane.steps.iter().any(|spec| spec.kind.step().raises_api_server());
        let loses = lane.node.as_ref().is_some_and(|node| s.plan.loses(node, waiver, drained));
        let due = |spec: &&StepSpec| {
            let began = s.steps.get(&spec.id).is_some_and(|step| step.began.is_some());
            loses && began && spec.kind.step().brings_settings()
        };
        let any = lane.steps.iter().any(|spec| due(&spec));
        again
            .extend(lane.steps.iter().filter(|spec| (whole && any) || due(spec)).map(|spec| spec.id.clone()));
    }
    reset(s, |spec, _| again.contains(&spec.id) || spec.kind.step().looks_again_on_retry());
}

/// Sets failed steps, and every step before them in their lanes, back to pending. A step whose goal still holds is done at the next look.
pub(super) fn retry(s: &mut RunState, only: Option<&StepId>, repair_dpkg: bool) -> Result<(), IllegalEvent> {
    take_up(s, only);
    if let Some(step) = only {
        let status = s.steps.get(step).ok_or_else(|| IllegalEvent::UnknownStep { step: step.clone() })?;
        if !matches!(status.status, StepStatus::Failed { .. }) {
            return Err(IllegalEvent::Step {
                step: step.clone(),
                event: "retry-asked",
                status: "not failed",
            });
        }
    }
    let failed =
        |id: &StepId| only.is_none_or(|o| o == id) && matches!(s.steps[id].status, StepStatus::Failed { .. });
    let mut again: Vec<StepId> = s.plan.phases.iter().flat_map(|phase| phase_again(phase, &failed)).collect();
    let rested = s.plan.steps().filter(|spec| failed(&spec.id)).flat_map(|spec| {
        let verbs: Vec<String> = spec.kind.step().rests_on().iter().map(ToString::to_string).collect();
        earlier(&s.plan, spec, &verbs)
    });
    again.extend(rested.collect::<Vec<_>>());
    let causes: Vec<StepId> =
        s.plan.steps().filter(|spec| root_cause(s, spec)).map(|spec| spec.id.clone()).collect();
    reset(s, |spec, _| again.contains(&spec.id) || causes.contains(&spec.id));
    for id in again {
        if let Some(step) = s.steps.get_mut(&id) {
            (step.repair_dpkg, step.retried) = (repair_dpkg, true);
        }
    }
    // What stays failed has been named, and does not pause the run again before the step that is tried now is over.
    let rest: Vec<StepId> = s.failed_steps().map(|(spec, _)| spec.id.clone()).collect();
    for id in rest {
        if let Some(step) = s.steps.get_mut(&id) {
            step.parked = true;
        }
    }
    s.track.look_at_all(&s.plan, &s.steps);
    Ok(())
}

/// Steps that are looked at again at every new attempt. The files of a node that a later step of it has used already can't be made anew,
/// because the agent compares them with what that step may have changed.
pub(super) fn root_cause(s: &RunState, spec: &StepSpec) -> bool {
    let verb = spec.kind.step().verb();
    let used = |node: &NodeName| {
        let mut later = s.steps_of(node).filter(|(x, _)| x.number > spec.number);
        later.any(|(x, step)| step.attempts > 0 && x.kind.step().rests_on().contains(&verb.as_str()))
    };
    spec.kind.step().looks_again_on_retry() && !spec.node.as_ref().is_some_and(used)
}

/// Workers that were set aside take part again: all of them, or the one with this failed step.
fn take_up(s: &mut RunState, only: Option<&StepId>) {
    let wanted = |aside: &Aside| only.is_none_or(|step| aside.step == *step);
    let nodes: Vec<NodeName> =
        s.set_aside.iter().filter(|(_, aside)| wanted(aside)).map(|(node, _)| node.clone()).collect();
    for node in nodes {
        let Some(aside) = s.set_aside.remove(&node) else { continue };
        back(s, &node);
        let ids: Vec<StepId> = skipped(s, &node);
        for id in ids {
            let status = match id == aside.step {
                true => StepStatus::Failed { reason: aside.reason.clone() },
                false => StepStatus::Pending,
            };
            if let Some(step) = s.steps.get_mut(&id) {
                step.status = status;
            }
        }
    }
    s.track.look_at_all(&s.plan, &s.steps);
}

fn skipped(s: &RunState, node: &NodeName) -> Vec<StepId> {
    let skipped = s.steps_of(node).filter(|(_, step)| matches!(step.status, StepStatus::Skipped { .. }));
    skipped.map(|(spec, _)| spec.id.clone()).collect()
}

/// Steps before this one, of its node or of the cluster, with one of these verbs. A step of the cluster may rest on those of any node.
fn earlier(plan: &Program, spec: &StepSpec, verbs: &[String]) -> Vec<StepId> {
    let mine = |x: &&StepSpec| {
        x.number < spec.number
            && (spec.node.is_none() || x.node == spec.node || x.node.is_none())
            && verbs.contains(&x.kind.step().verb())
    };
    plan.steps().filter(mine).map(|x| x.id.clone()).collect()
}

/// The earlier steps and the step itself are pending again. An open op can't be lost, so the step may not have one.
pub(super) fn earlier_lost(s: &mut RunState, id: &StepId, verbs: &[String]) -> Result<(), IllegalEvent> {
    let unknown = || IllegalEvent::UnknownStep { step: id.clone() };
    let spec = s.spec(id).cloned().ok_or_else(unknown)?;
    let illegal = |status| IllegalEvent::Step { step: id.clone(), event: "earlier-lost", status };
    let step = s.steps.get_mut(id).ok_or_else(unknown)?;
    match step.status {
        StepStatus::Started { .. } => return Err(illegal("started")),
        StepStatus::Done { .. } | StepStatus::Skipped { .. } => return Err(illegal("over")),
        _ => (step.status, step.acted) = (StepStatus::Pending, false),
    }
    step.redone += 1;
    let again = earlier(&s.plan, &spec, verbs);
    reset(s, |x, _| again.contains(&x.id));
    Ok(())
}

/// Steps of a phase that are judged again: in a lane, all up to its failed step. If a step that judges the phase as a whole has failed, all
/// steps of all lanes, because the cause may be in any of them.
fn phase_again(phase: &Phase, failed: &impl Fn(&StepId) -> bool) -> Vec<StepId> {
    let last = |lane: &Lane| lane.steps.iter().rposition(|step| failed(&step.id));
    let whole = phase.lanes.iter().any(|lane| lane.node.is_none() && last(lane).is_some());
    let chosen = phase.lanes.iter().flat_map(|lane| match (whole, last(lane)) {
        (true, _) => lane.steps.as_slice(),
        (false, Some(i)) => &lane.steps[..=i],
        (false, None) => &[],
    });
    chosen.map(|step| step.id.clone()).collect()
}

pub(super) fn reset(s: &mut RunState, which: impl Fn(&StepSpec, &StepState) -> bool) {
    // Nodes without which the run goes on stay as they are.
    let here = |spec: &&StepSpec| spec.node.as_ref().is_none_or(|node| !s.goes_without(node));
    let chosen = s.plan.steps().filter(here);
    let chosen = chosen.filter(|spec| s.steps.get(&spec.id).is_some_and(|step| which(spec, step)));
    let ids: Vec<StepId> = chosen.map(|spec| spec.id.clone()).collect();
    for id in ids {
        if let Some(step) = s.steps.get_mut(&id).filter(|step| !step.is_open()) {
            step.status = StepStatus::Pending;
            step.ended = None;
            step.parked = false;
            // A change of an earlier attempt does not count for this one.
            (step.acted, step.redone) = (false, 0);
        }
    }
    s.track.look_at_all(&s.plan, &s.steps);
}

pub(super) fn defer(s: &mut RunState, node: &NodeName, reason: &str) -> Result<(), IllegalEvent> {
    if !s.plan.inventory.nodes.iter().any(|n| n.name == *node) {
        return Err(IllegalEvent::UnknownNode { node: node.clone() });
    }
    s.set_aside.remove(node);
    s.left_by_policy.remove(node);
    s.deferred.insert(node.clone(), reason.into());
    admission::left(s, node);
    due(s, node);
    skip(s, node, &format!("node deferred: {reason}"), "deferred");
    Ok(())
}

/// The run's own changes on a node that has left it are undone, except for what is listed.
pub(super) fn undone(s: &mut RunState, node: &NodeName, left: &[String]) -> Result<(), IllegalEvent> {
    if !s.goes_without(node) {
        return Err(IllegalEvent::NotDeferred { node: node.clone() });
    }
    s.undo_due.remove(node);
    s.left.remove(node);
    if !left.is_empty() {
        s.left.insert(node.clone(), left.to_vec());
    }
    Ok(())
}

/// Where the run has changed anything, it is undone once the node has left the run.
fn due(s: &mut RunState, node: &NodeName) {
    if s.steps_of(node).any(|(_, step)| step.attempts > 0) {
        s.undo_due.insert(node.clone());
    }
}

/// The node takes part again: nothing of it is undone any more.
fn back(s: &mut RunState, node: &NodeName) {
    s.undo_due.remove(node);
    s.left.remove(node);
}

/// The node won't come back: it leaves the run, whatever its role is.
pub(super) fn lose(s: &mut RunState, node: &NodeName, by: &str) -> Result<(), IllegalEvent> {
    defer(s, node, &format!("lost, stated by {by}"))?;
    // Of a machine that is gone, only the mark on its Node object can be undone.
    let is_marked = s.steps_of(node).any(|(spec, step)| spec.kind.step().marks_node() && step.attempts > 0);
    if !is_marked {
        s.undo_due.remove(node);
    }
    s.lost.insert(node.clone(), by.into());
    Ok(())
}

/// A worker has failed within the budget: the run goes on without it.
pub(super) fn set_aside(
    s: &mut RunState,
    at: Timestamp,
    node: &NodeName,
    step: &StepId,
    reason: &StopReason,
) -> Result<(), IllegalEvent> {
    let spec = s.spec(step).ok_or_else(|| IllegalEvent::UnknownStep { step: step.clone() })?;
    if spec.node.as_ref() != Some(node) {
        return Err(IllegalEvent::UnknownNode { node: node.clone() });
    }
    if !matches!(s.steps[step].status, StepStatus::Failed { .. }) {
        let (step, event) = (step.clone(), "node-set-aside");
        return Err(IllegalEvent::Step { step, event, status: "not failed" });
    }
    admission::set_aside(s, node, reason);
    skip(s, node, &format!("node failed at {step}, and the run goes on without it"), "set aside");
    let aside = Aside { step: step.clone(), reason: reason.clone(), at };
    s.set_aside.insert(node.clone(), aside);
    due(s, node);
    Ok(())
}

/// Skips all steps of the node that are not over.
fn skip(s: &mut RunState, node: &NodeName, reason: &str, how: &str) {
    let ids: Vec<StepId> = s.steps_of(node).map(|(spec, _)| spec.id.clone()).collect();
    for id in ids {
        if let Some(step) = s.steps.get_mut(&id).filter(|step| !step.is_over()) {
            if let StepStatus::Started { op_id, .. } = &step.status {
                let why = format!("its node was {how} while it was open: {reason}");
                s.indeterminate.push((id, op_id.clone(), why));
            }
            step.status = StepStatus::Skipped { reason: reason.into() };
        }
    }
    s.track.look_at_all(&s.plan, &s.steps);
}

/// Ends the deferral of a node: what was skipped is due again. A lane that was to give back a cordon is due as a whole, because the deferral
/// has given it back.
pub(super) fn include(s: &mut RunState, node: &NodeName) -> Result<(), IllegalEvent> {
    s.deferred.remove(node).ok_or_else(|| IllegalEvent::NotDeferred { node: node.clone() })?;
    back(s, node);
    s.deferred_until.remove(node);
    s.lost.remove(node);
    s.gave_up.remove(node);
    s.left_by_policy.remove(node);
    let skipped = |step: &StepState| matches!(step.status, StepStatus::Skipped { .. });
    let cordoned = s.steps_of(node).filter(|(x, step)| x.kind.step().verb() == UNCORDON && skipped(step));
    let phases: BTreeSet<String> = cordoned.map(|(spec, _)| spec.phase.clone()).collect();
    // The deferral has taken the mark of a node to come away. A run that has come to its workers does not go back for it.
    let now = s.track.phase();
    let comes: BTreeSet<String> =
        s.plan.phases.iter().skip(now.unwrap_or(usize::MAX)).map(|phase| phase.name.clone()).collect();
    reset(s, |spec, step| {
        let marked = spec.kind.step().marks_node() && comes.contains(&spec.phase);
        let due = skipped(step) || phases.contains(&spec.phase) || marked;
        spec.node.as_ref() == Some(node) && due
    });
    Ok(())
}
