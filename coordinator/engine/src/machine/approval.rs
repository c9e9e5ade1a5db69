//! The points at which a run waits for approval, if its plan asks for it: before each phase, or before each batch of lanes. The run pauses
//! with a reason like any other, and only the event `Approved` lets it continue; the journal records who approved what, and when.

use super::admission;
use super::state::{RunState, RunStatus};
use crate::program::{APPROVAL, Approve, StopReason};

pub const CODE: &str = APPROVAL;

/// Whether the run is paused with a question about jobs, which names them in its detail (`choose`).
pub(super) fn is_about_jobs(status: &RunStatus) -> bool {
    matches!(status, RunStatus::Paused { reason } if reason.code == CODE && !reason.detail.is_empty())
}

/// What an approval is about: a phase, and of it as many lanes as were to begin when it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asked {
    phase: usize,
    /// How many of the phase's lanes were over.
    over: usize,
    lanes: usize,
}

impl Asked {
    /// Number of lanes that may be over or at work.
    fn end(self) -> usize {
        self.over + self.lanes
    }
}

/// What the run asks for now.
pub(super) fn asked(state: &RunState) -> Option<Asked> {
    let phase = state.track.phase()?;
    let (_, over) = state.track.begun_and_over(phase);
    Some(Asked { phase, over, lanes: parallel(state, phase) })
}

/// What has to be approved now; `None` if nothing has.
pub(super) fn awaited(state: &RunState) -> Option<StopReason> {
    let mode = state.plan.options.approve;
    // The first phase changes nothing, and the start of the run approved it.
    let phase = state.track.phase().filter(|p| *p > 0 && !mode.is_all())?;
    let (begun, over) = state.track.begun_and_over(phase);
    let approved = match state.approved.get(&phase) {
        None => false,
        Some(asked) => mode == Approve::Phase || over < asked.end(),
    };
    (begun == 0 && !approved).then(|| reason(state, phase, over))
}

fn reason(state: &RunState, phase: usize, over: usize) -> StopReason {
    let what = &state.plan.phases[phase];
    let done = if over == 0 { String::new() } else { format!(", {over} of {} done", what.lanes.len()) };
    StopReason {
        code: CODE.into(),
        message: format!("{} ({}{done}) waits for approval", what.title, what.name),
        detail: String::new(),
        undone: String::new(),
        next: "podlift approve".into(),
    }
}

/// Records the approval of what the run had asked for when it paused. Its phase may not be the current one any more, and an option that was
/// changed since does not make it larger.
pub(super) fn approve(state: &mut RunState) {
    if let Some(asked) = state.asked.take().or_else(|| asked(state)) {
        state.approved.insert(asked.phase, asked);
    }
}

/// How many lanes of a phase may be at work. The workers follow the option of the run, which an operator may change.
pub(super) fn parallel(state: &RunState, phase: usize) -> usize {
    let phase = &state.plan.phases[phase];
    if !phase.follows_max_unavailable() {
        return phase.parallel as usize;
    }
    let most = state.max_unavailable.max(1) as usize;
    match state.is_proven() {
        true => most,
        // No first worker has shown that all is well, because it was left out, deferred or set aside: the next ones go first.
        false => most.min(state.plan.options.canary as usize),
    }
}

/// How many lanes of a phase may be at work now: the plan's `parallel`, but not more than remain of the approved batch.
pub(super) fn at_once(state: &RunState, phase: usize) -> usize {
    let parallel = parallel(state, phase);
    match (state.plan.options.approve, state.approved.get(&phase)) {
        (Approve::Batch, Some(asked)) => {
            let (_, over) = state.track.begun_and_over(phase);
            parallel.min(asked.end().saturating_sub(over))
        }
        _ => parallel,
    }
}

/// How many lanes of a phase may begin. Lanes that were chosen were chosen within `at_once`, and a job larger than that goes alone and as a
/// whole: they begin together, so that the job is interrupted once, as far as the run's own limit allows.
pub(super) fn to_begin(state: &RunState, phase: usize) -> usize {
    let chosen =
        admission::is_chosen(&state.plan, phase) && state.plan.phases[phase].follows_max_unavailable();
    match chosen {
        true => state.max_unavailable.max(1) as usize,
        false => at_once(state, phase),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::goals::upgrade::build;
    use crate::machine::{Event, Next, apply, next};
    use crate::program::Evidence;
    use crate::testing::input;
    use jiff::Timestamp;
    use podlift_model::{Digest, RunId, StepId};

    fn say(state: Option<RunState>, event: Event) -> RunState {
        apply(state, &RunId::new("r1").unwrap(), Timestamp::UNIX_EPOCH, &event).unwrap()
    }

    /// Runs to the end and approves at each pause. Returns the approvals requested, and the most nodes at work at once since an approval.
    fn asked(approve: Approve, max_unavailable: u32) -> (Vec<String>, usize) {
        let mut i = input();
        (i.options.approve, i.options.max_unavailable) = (approve, max_unavailable);
        let mut state = say(None, Event::RunStarted { plan: Box::new(build(&i).unwrap()), by: "me".into() });
        let (mut asked, mut most) = (vec![], 0);
        loop {
            match next(&state) {
                Next::Pause(reason) => {
                    asked.push(reason.message.split(" waits").next().unwrap().to_string());
                    state = say(Some(state), Event::RunPaused { reason: *reason, by: None, now: false });
                    assert_eq!(next(&state), Next::Rest);
                    // A resume is no approval: the run asks again.
                    let resumed = say(Some(state.clone()), Event::RunResumed { by: "bob".into() });
                    assert!(matches!(next(&resumed), Next::Pause(_)));
                    let what = asked.last().cloned().unwrap_or_default();
                    state = say(Some(state), Event::Approved { by: "jane".into(), what });
                }
                Next::Drive(todo) => {
                    if todo[0].step.phase == "workers" {
                        most = most.max(todo.len());
                    }
                    // Completes the first lane before the others begin.
                    let step: StepId = todo[0].step.id.clone();
                    let evidence = match step.as_str().ends_with("seal-backup") {
                        true => Evidence::BackupSealed {
                            hash: Digest::of("x"),
                            revision: 1,
                            what: "w".into(),
                            backup: None,
                        },
                        false => Evidence::Seen { what: "w".into() },
                    };
                    state = say(Some(state), Event::StepDone { step, evidence });
                }
                Next::Succeed => return (asked, most),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn nobody_is_asked_where_the_start_approved_all() {
        assert_eq!(asked(Approve::All, 2), (vec![], 2));
    }

    #[test]
    fn before_each_phase_but_the_first() {
        let names: Vec<String> = build(&input()).unwrap().phases[1..]
            .iter()
            .map(|p| format!("{} ({})", p.title, p.name))
            .collect();
        assert_eq!(asked(Approve::Phase, 2), (names, 2));
    }

    #[test]
    fn before_each_batch_and_no_lane_of_the_next_one_begins() {
        let (asked, most) = asked(Approve::Batch, 2);
        let of = |phase: &str| asked.iter().filter(|a| a.contains(phase)).cloned().collect::<Vec<_>>();
        assert_eq!(of("(pre-stage").len(), 1, "all at once is one batch");
        assert_eq!(of("(control-plane").len(), 3, "one node at a time");
        assert_eq!(of("(workers"), ["Workers (workers)", "Workers (workers, 2 of 3 done)"]);
        assert_eq!(most, 2);
    }

    #[test]
    fn an_approval_is_of_what_was_asked_for_and_does_not_grow() {
        let mut i = input();
        (i.options.approve, i.options.max_unavailable, i.options.canary) = (Approve::Batch, 2, 0);
        let mut state = say(None, Event::RunStarted { plan: Box::new(build(&i).unwrap()), by: "me".into() });
        loop {
            match next(&state) {
                Next::Pause(reason) => {
                    let workers = reason.message.contains("(workers)");
                    state = say(Some(state), Event::RunPaused { reason: *reason, by: None, now: false });
                    let (what, by) = ("w".to_string(), "jane".to_string());
                    if workers {
                        let (name, value) = ("max-unavailable".to_string(), "50".to_string());
                        state = say(Some(state), Event::OptionSet { name, value, by: by.clone() });
                    }
                    state = say(Some(state), Event::Approved { by, what });
                    if workers {
                        break;
                    }
                }
                Next::Drive(todo) => {
                    let step = todo[0].step.id.clone();
                    let what = "w".to_string();
                    let evidence = match step.as_str().ends_with("seal-backup") {
                        true => {
                            Evidence::BackupSealed { hash: Digest::of("x"), revision: 1, what, backup: None }
                        }
                        false => Evidence::Seen { what },
                    };
                    state = say(Some(state), Event::StepDone { step, evidence });
                }
                other => panic!("{other:?}"),
            }
        }
        let Next::Drive(todo) = next(&state) else { panic!() };
        assert_eq!(todo.len(), 2, "the batch that was approved: {todo:?}");
    }

    #[test]
    fn a_pause_of_a_person_is_no_question_and_its_end_no_answer() {
        let mut i = input();
        i.options.approve = Approve::Phase;
        let start = say(None, Event::RunStarted { plan: Box::new(build(&i).unwrap()), by: "me".into() });
        let reason = StopReason { code: "operator".into(), ..reason(&start, 1, 0) };
        let paused = say(Some(start), Event::RunPaused { reason, by: Some("bob".into()), now: false });
        let resumed = say(Some(paused), Event::RunResumed { by: "bob".into() });
        assert!(resumed.approved.is_empty());
    }
}
