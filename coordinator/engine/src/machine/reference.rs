//! The next steps by a full search of the plan, against which the tracked answer is compared in tests. Slow and plain.

use super::admission;
use super::approval;
use super::next::{Pace, pace};
use super::state::RunState;
use super::step::{StepState, StepStatus};
use crate::program::{Approve, Lane, StepSpec};
use podlift_model::{NodeName, StepId};
use std::collections::BTreeSet;

fn state<'a>(s: &'a RunState, spec: &StepSpec) -> &'a StepState {
    &s.steps[&spec.id]
}

fn any(s: &RunState, lane: &Lane, which: impl Fn(&StepState) -> bool) -> bool {
    lane.steps.iter().any(|spec| which(state(s, spec)))
}

fn is_failed(step: &StepState) -> bool {
    matches!(step.status, StepStatus::Failed { .. })
}

fn passes(s: &RunState, spec: &StepSpec) -> bool {
    spec.kind.step().yields() && matches!(state(s, spec).status, StepStatus::Waiting { .. })
}

/// 0 for a lane that has begun, 1 for one that waits for its turn, 2 for one that lets others pass.
fn rank(s: &RunState, lane: &Lane) -> u8 {
    let acted = any(s, lane, |step| step.ever_acted);
    let passed = lane.steps.iter().any(|spec| passes(s, spec));
    let seen = |spec: &StepSpec| {
        let phase = s.plan.phases.iter().position(|phase| phase.name == spec.phase);
        let chosen = phase.is_some_and(|phase| admission::is_chosen(&s.plan, phase));
        let step = state(s, spec);
        chosen && step.is_done() && !step.ever_acted && spec.kind.step().yields()
    };
    let begins =
        |spec: &StepSpec| state(s, spec).status != StepStatus::Pending && !passes(s, spec) && !seen(spec);
    let moved = lane.steps.iter().any(begins);
    match (moved || (passed && acted), passed) {
        (true, _) => 0,
        (false, false) => 1,
        (false, true) => 2,
    }
}

/// The current steps of the first lanes: all that have begun, others up to the number, and those that let others pass if no other waits.
fn first(s: &RunState, lanes: Vec<&Lane>, number: usize, may: impl Fn(&Lane) -> bool) -> Vec<StepId> {
    let of = |wanted: u8| lanes.iter().copied().filter(|lane| rank(s, lane) == wanted).collect::<Vec<_>>();
    let (begun, waiting, away) = (of(0), of(1), of(2));
    let free = number.saturating_sub(begun.len());
    let left = free.saturating_sub(waiting.iter().filter(|lane| may(lane)).count());
    let passed = if s.plan.options.approve != Approve::Batch && left > 0 { away.len() } else { left };
    let next = waiting.into_iter().filter(|lane| may(lane)).take(free);
    let turns = begun.into_iter().chain(next).chain(away.into_iter().take(passed));
    let current = turns.filter_map(|lane| lane.steps.iter().find(|spec| !state(s, spec).is_over()));
    current.filter(|spec| !is_failed(state(s, spec))).map(|spec| spec.id.clone()).collect()
}

/// Whether a lane of this phase may begin.
fn chosen(s: &RunState, phase: usize) -> impl Fn(&Lane) -> bool {
    let admitted = admission::admitted(s, phase);
    move |lane| {
        let number = lane.steps.first().and_then(|spec| s.track.lane_of(&spec.id)).map(|(number, _)| number);
        admitted.is_none_or(|set| number.is_some_and(|number| set.contains(&number)))
    }
}

pub fn driven(s: &RunState) -> BTreeSet<StepId> {
    let open = s.plan.steps().filter(|spec| state(s, spec).is_open()).map(|spec| spec.id.clone());
    let left = |phase: usize| -> Vec<&Lane> {
        s.plan.phases[phase].lanes.iter().filter(|lane| any(s, lane, |step| !step.is_over())).collect()
    };
    let phases = || 0..s.plan.phases.len();
    let lanes = match pace(s) {
        Pace::Over => return BTreeSet::new(),
        Pace::Ops => vec![],
        Pace::Free => match phases().find(|p| !left(*p).is_empty()) {
            Some(phase) => first(s, left(phase), approval::to_begin(s, phase), chosen(s, phase)),
            None => vec![],
        },
        Pace::Finish => finishing(s, left),
    };
    lanes.into_iter().chain(open).collect()
}

fn finishing<'a>(s: &'a RunState, left: impl Fn(usize) -> Vec<&'a Lane>) -> Vec<StepId> {
    let touched = |lane: &&Lane| any(s, lane, |step| step.attempts > 0 || step.retried);
    let Some(last) = (0..s.plan.phases.len()).rev().find(|p| left(*p).iter().any(touched)) else {
        return vec![];
    };
    for phase in 0..last {
        let again = first(s, left(phase), approval::to_begin(s, phase), chosen(s, phase));
        if !again.is_empty() || left(phase).iter().any(|lane| lane.node.is_none() && any(s, lane, is_failed))
        {
            return again;
        }
    }
    let failed: BTreeSet<&NodeName> = s
        .plan
        .steps()
        .filter(|spec| is_failed(state(s, spec)))
        .filter_map(|spec| spec.node.as_ref())
        .collect();
    let may = chosen(s, last);
    let goes = |lane: &&Lane| !any(s, lane, is_failed) && (rank(s, lane) == 0 || may(lane));
    let lanes = left(last).into_iter().filter(touched).filter(goes).collect();
    let steps = first(s, lanes, approval::parallel(s, last), |_| true);
    let whole =
        |id: &StepId| s.plan.step(id).is_some_and(|x| x.node.as_ref().is_none_or(|n| !failed.contains(n)));
    steps.into_iter().filter(whole).collect()
}
