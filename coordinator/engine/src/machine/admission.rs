//! Which lanes may begin. In a phase that disrupts nodes a lane begins only if a batch has chosen it, so that the choice can follow the
//! jobs that run at that moment. A run whose options have no batches takes its lanes in the plan's order.

use super::approval;
use super::batch::{BatchWait, ChosenBatch};
use super::illegal::IllegalEvent;
use super::next::{Pace, pace};
use super::state::RunState;
use super::step::StepStatus;
use super::track::LaneNumber;
use crate::program::{CANARY, CORDON_TAKEN, Program, StepSpec, StopReason, WORKERS};
use jiff::Timestamp;
use podlift_model::{NodeName, StepId};
use rpds::RedBlackTreeSetSync;

/// Phases that disrupt something, so that they begin only in a window of the policy.
const IN_WINDOWS: &[&str] = &["control-plane", "addons", "kubelets", CANARY, WORKERS];

/// Whether the lanes of this phase have to be chosen.
pub(super) fn is_chosen(plan: &Program, phase: usize) -> bool {
    let Some(policy) = &plan.options.batches else { return false };
    match plan.phases[phase].name.as_str() {
        CANARY | WORKERS => true,
        name => !policy.windows.is_empty() && IN_WINDOWS.contains(&name),
    }
}

/// The lanes of a phase that may begin; `None` if all of them may.
pub(super) fn admitted(state: &RunState, phase: usize) -> Option<&RedBlackTreeSetSync<LaneNumber>> {
    is_chosen(&state.plan, phase).then_some(&state.admitted)
}

/// The phase whose next lanes have to be chosen now.
pub(super) fn due(state: &RunState) -> Option<usize> {
    let phase = state.track.phase().filter(|phase| is_chosen(&state.plan, *phase))?;
    let asks = pace(state) != Pace::Free || approval::awaited(state).is_some();
    (!asks && room(state, phase) > 0 && to_come(state, phase).next().is_some()).then_some(phase)
}

/// Whether lanes have to be chosen: there is room, and none of the lanes that are to come may begin.
pub fn batch_due(state: &RunState) -> bool {
    due(state).is_some()
}

/// Number of lanes that may begin besides those that are at work.
pub(super) fn room(state: &RunState, phase: usize) -> usize {
    approval::at_once(state, phase).saturating_sub(state.track.at_work(phase, &state.admitted).count())
}

/// The nodes of the lanes that are not chosen yet, in the plan's order; `None` for a lane of the cluster.
pub(super) fn to_come(state: &RunState, phase: usize) -> impl Iterator<Item = Option<&NodeName>> {
    let lanes = state.track.not_begun(phase).filter(|lane| !state.admitted.contains(lane));
    lanes.map(|lane| state.track.node_of(&state.plan, lane))
}

/// Records a batch: its lanes may begin.
pub(super) fn chosen(s: &mut RunState, batch: ChosenBatch) -> Result<(), IllegalEvent> {
    let wrong = |why: String| IllegalEvent::Batch { number: batch.number, why };
    let expected = s.batches.len() as u32 + 1;
    if batch.number != expected {
        return Err(wrong(format!("expected number {expected}")));
    }
    let phase = s.plan.phases.iter().position(|phase| phase.name == batch.phase);
    let phase = phase.ok_or_else(|| wrong(format!("the plan has no phase {:?}", batch.phase)))?;
    let lanes: Vec<LaneNumber> = match batch.nodes.is_empty() {
        true => s.track.of_cluster(&s.plan, phase).collect(),
        false => {
            let of = |node| s.track.lane_at(phase, node);
            let unknown = |node: &NodeName| wrong(format!("{node} has no lane in phase {}", batch.phase));
            batch.nodes.iter().map(|n| of(n).ok_or_else(|| unknown(n))).collect::<Result<_, _>>()?
        }
    };
    for lane in lanes {
        look_again(s, lane);
        s.admitted.insert_mut(lane);
    }
    s.batch_waits = None;
    chooses(s, phase, batch.at);
    s.batches.push(batch);
    Ok(())
}

/// A node may have gone since it was seen to be there, so it is looked at again right before its cordon.
fn look_again(s: &mut RunState, lane: LaneNumber) {
    let seen = |spec: &&StepSpec| {
        let step = s.steps.get(&spec.id);
        spec.kind.step().yields() && step.is_some_and(|step| step.is_done() && !step.ever_acted)
    };
    let ids: Vec<StepId> =
        s.track.steps_in(&s.plan, lane).iter().filter(seen).map(|spec| spec.id.clone()).collect();
    for id in ids {
        if let Some(step) = s.steps.get_mut(&id) {
            (step.status, step.ended) = (StepStatus::Pending, None);
        }
        s.track.look_again(&s.plan, &s.steps, &id);
    }
}

/// Records why no lane may begin; without a reason, that the wait is over.
pub(super) fn waits(s: &mut RunState, at: Timestamp, wait: BatchWait) {
    if wait.why.is_empty() {
        s.batch_waits = None;
        return;
    }
    if let Some(phase) = s.track.phase() {
        chooses(s, phase, at);
    }
    (s.batch_waits, s.waits_since) = (Some(wait), Some(at));
}

/// Records when the run first chose, or had to wait with, lanes of this phase: times of the policy count from then. The first workers and the
/// others are one beginning.
fn chooses(s: &mut RunState, phase: usize, at: Timestamp) {
    let same = |of: usize| of == phase || (is_of_workers(&s.plan, of) && is_of_workers(&s.plan, phase));
    if s.choosing_since.is_none_or(|(of, _)| !same(of)) {
        s.choosing_since = Some((phase, at));
    }
}

pub(super) fn is_of_workers(plan: &Program, phase: usize) -> bool {
    [CANARY, WORKERS].contains(&plan.phases[phase].name.as_str())
}

/// When the run came to its workers; `None` before.
pub(super) fn workers_since(state: &RunState) -> Option<Timestamp> {
    state.choosing_since.filter(|(phase, _)| is_of_workers(&state.plan, *phase)).map(|(_, at)| at)
}

/// A lane that is over has to be chosen again if something makes it due once more. An override of its node ends with it.
pub(super) fn ended(s: &mut RunState, step: &StepId) {
    let Some((lane, _)) = s.track.lane_of(step) else { return };
    if s.track.current(&s.plan, &s.steps, lane).is_none() {
        s.admitted.remove_mut(&lane);
        if let Some(node) =
            s.track.node_of(&s.plan, lane).filter(|node| s.lane_time(node).is_some_and(|lane| lane.is_over))
        {
            s.overrides.remove(node);
        }
    }
}

/// A node that leaves the run has to be chosen again when it takes part again: it has got work meanwhile.
pub(super) fn left(s: &mut RunState, node: &NodeName) {
    s.overrides.remove(node);
    for lane in s.track.lanes_of(node).to_vec() {
        s.admitted.remove_mut(&lane);
    }
}

/// After a pause, lanes that were chosen and have changed nothing are chosen anew: windows and jobs are others now.
pub(super) fn give_back(s: &mut RunState) {
    for lane in s.admitted.iter().copied().collect::<Vec<_>>() {
        let specs: Vec<StepId> = s.track.steps_in(&s.plan, lane).iter().map(|spec| spec.id.clone()).collect();
        let untouched =
            |id: &StepId| s.steps.get(id).is_none_or(|step| step.attempts == 0 && !step.ever_acted);
        if !specs.iter().all(untouched) {
            continue;
        }
        s.admitted.remove_mut(&lane);
        for id in specs {
            // A step that waits would keep its lane at work.
            if let Some(step) =
                s.steps.get_mut(&id).filter(|step| matches!(step.status, StepStatus::Waiting { .. }))
            {
                step.status = StepStatus::Pending;
            }
            s.track.look_again(&s.plan, &s.steps, &id);
        }
    }
}

/// A failed worker that still carries the cordon of this run has no work, so it goes on after a retry; any other one is chosen again.
pub(super) fn set_aside(s: &mut RunState, node: &NodeName, reason: &StopReason) {
    s.overrides.remove(node);
    s.goes_on_without.remove(node);
    if reason.code == CORDON_TAKEN || !s.left_cordoned(node) {
        left(s, node);
    }
}

/// A lane that lets others pass gives its choice back: what was right when it was chosen may not be when its node is there again.
pub(super) fn passed(s: &mut RunState, spec: &StepSpec) {
    let Some((lane, phase)) = s.track.lane_of(&spec.id) else { return };
    if spec.kind.step().yields() && s.track.is_away(phase, lane) {
        s.admitted.remove_mut(&lane);
    }
}

/// A drain begins: the jobs of its batch on this node are interrupted now.
pub(super) fn evicts(s: &mut RunState, at: Timestamp, spec: &StepSpec) {
    let Some(node) = spec.node.as_ref().filter(|_| spec.kind.step().evicts()) else { return };
    let of_lane = |batch: &&ChosenBatch| batch.phase == spec.phase && batch.nodes.contains(node);
    let Some(batch) = s.batches.iter().rev().find(of_lane) else { return };
    // Once for each batch: what a job begins anew after that is lost anew.
    let known = |id: &String| s.interrupted.get(id).is_some_and(|last| *last >= batch.at);
    let here = batch.jobs.iter().filter(|job| job.nodes.contains(node) && batch.interrupts.contains(&job.id));
    let here = here.filter(|job| !known(&job.id));
    let hit: Vec<(String, Timestamp)> = here.map(|job| (job.id.clone(), at)).collect();
    s.interrupted.extend(hit);
}

impl RunState {
    /// The newest batch of which a lane is not over.
    pub fn batch_at_work(&self) -> Option<&ChosenBatch> {
        self.batches.iter().rev().find(|batch| !self.is_batch_over(batch))
    }

    /// Whether every lane of the batch is over.
    pub fn is_batch_over(&self, batch: &ChosenBatch) -> bool {
        let is_over = |node: &NodeName| {
            let mut lane = self.steps_of(node).filter(|(spec, _)| spec.phase == batch.phase);
            lane.all(|(_, step)| step.is_over())
        };
        match batch.nodes.is_empty() {
            true => self.phase().is_none_or(|phase| phase.name != batch.phase),
            false => batch.nodes.iter().all(is_over),
        }
    }
}
