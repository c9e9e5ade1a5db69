//! Drives one step from its state in the journal to its end: probe, assess, act, and again. Every turn starts from the state, so that a
//! driver that begins after a crash does exactly what an uninterrupted one would do.

use super::reasons::{aborted, plain};
use super::recover::Open;
use super::runner::Runner;
use podlift_engine::machine::{Event, Next, RunState, RunStatus, StepStatus, next};
use podlift_engine::program::{Evidence, StopReason};
use podlift_engine::steps::{Assess, Cx, Policy};
use podlift_engine::{Reply, StepSpec};
use podlift_model::{Epoch, FailureClass, OpId, OpOutcome, RunId};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How often an act is repeated that succeeds and changes nothing.
const NO_EFFECT: u32 = 3;
const BACKOFF_MAX: Duration = Duration::from_secs(30);

pub(super) struct Drive {
    pub runner: Arc<Runner>,
    pub run: RunId,
    pub step: StepSpec,
    /// When the step began to wait.
    pub waiting: Option<Instant>,
    /// When its goal began to hold.
    pub steady: Option<Instant>,
    pub reason: Option<String>,
    /// Number of ops that failed in a transient way, and the last of them.
    failures: u32,
    failed_op: Option<OpId>,
    pub no_effect: u32,
}

/// What follows a turn.
pub(super) enum Turn {
    Now,
    After(Duration),
    Over,
}

/// The state that a turn is based on.
pub(super) struct Moment {
    pub state: Arc<RunState>,
    pub epoch: Epoch,
    pub ahead: u32,
    pub open: Open,
    pub policy: Policy,
}

impl Moment {
    pub fn aborting(&self) -> bool {
        matches!(self.state.status, RunStatus::Aborting { .. })
    }
}

/// Whether new ops may start now.
pub(super) fn may_act(state: &RunState) -> bool {
    state.status == RunStatus::Running && state.failed_steps().next().is_none()
}

impl Drive {
    pub fn new(runner: Arc<Runner>, run: RunId, step: StepSpec) -> Self {
        Self {
            runner,
            run,
            step,
            waiting: None,
            steady: None,
            reason: None,
            failures: 0,
            failed_op: None,
            no_effect: 0,
        }
    }

    pub async fn until_over(mut self) {
        loop {
            match self.turn().await {
                Turn::Now => {}
                Turn::After(pause) => tokio::time::sleep(pause).await,
                Turn::Over => return,
            }
        }
    }

    async fn turn(&mut self) -> Turn {
        let Some((state, epoch, ahead)) = self.now() else { return Turn::Over };
        let open = match self.settle(&state).await {
            Ok(open) => open,
            Err(turn) => return turn,
        };
        let spec = self.step.clone();
        let step = spec.kind.step();
        let acted = state.steps[&spec.id].acted;
        let cx = Cx { state: &state, step: &spec, ahead, acted };
        let policy = Policy { poll: self.runner.settings.poll, ..step.policy(&cx) };
        let m = Moment { state: state.clone(), epoch, ahead, open, policy };
        if let Some(turn) = self.ended_badly(&m) {
            return turn;
        }
        let probe = step.probe(&cx);
        let reply = match self.runner.performer.probe(&probe).await {
            Ok(reply) => reply,
            Err(f) if f.class == FailureClass::Transient => return self.wait(&m, f.message),
            Err(f) => return self.fail(self.stop_reason(&m.state, &f)),
        };
        match step.assess(&cx, &reply) {
            Assess::Done(evidence) => self.done(&m, evidence),
            Assess::Wait(reason) => self.wait(&m, reason),
            Assess::Blocked(reason) => self.fail(reason),
            Assess::Again { verbs, why } => self.again(&m, verbs, why),
            Assess::Ready => self.ready(&m, &reply).await,
        }
    }

    /// State, epoch and position in the queue, while this step must still be driven.
    fn now(&self) -> Option<(Arc<RunState>, Epoch, u32)> {
        let state = self.runner.store.run(&self.run)?;
        let epoch = self.runner.fence.commanding()?;
        let Next::Drive(todos) = next(&state) else { return None };
        let ahead = todos.into_iter().find(|t| t.step.id == self.step.id)?.ahead;
        Some((state, epoch, ahead))
    }

    /// Handles a failed op. A transient failure is retried up to the policy's limit; otherwise the step has failed.
    fn ended_badly(&mut self, m: &Moment) -> Option<Turn> {
        let StepStatus::Ended { op_id, outcome: OpOutcome::Failed { failure } } =
            &m.state.steps[&self.step.id].status
        else {
            return None;
        };
        if m.aborting() {
            return Some(self.fail(aborted(&failure.message)));
        }
        if self.failed_op.as_ref() == Some(op_id) {
            return None;
        }
        self.failed_op = Some(op_id.clone());
        // An unreachable API proves nothing about the op, so it does not use up the tries.
        let counts = failure.code != crate::cluster::UNREACHABLE;
        self.failures += u32::from(counts);
        let step = self.step.kind.step();
        if step.shows_loss(&failure.code) && m.state.steps[&self.step.id].redone == 0 {
            let verbs = step.rests_on().iter().map(ToString::to_string).collect();
            return Some(self.again(m, verbs, failure.message.clone()));
        }
        match failure.class == FailureClass::Transient && self.failures <= m.policy.retries {
            true => Some(Turn::After(
                (m.policy.poll * 2u32.saturating_pow(self.failures.min(8))).min(BACKOFF_MAX),
            )),
            false if !counts => Some(Turn::After(m.policy.poll)),
            false => Some(self.fail(self.stop_reason(&m.state, failure))),
        }
    }

    /// What earlier steps gave is gone: they are done again, and then this step.
    fn again(&mut self, m: &Moment, again: Vec<String>, reason: String) -> Turn {
        if m.aborting() {
            return self.fail(aborted(&reason));
        }
        let id = self.step.id.clone();
        self.write(|s| {
            let over = s.steps[&id].is_over() || matches!(s.steps[&id].status, StepStatus::Started { .. });
            (!over && may_act(s)).then_some(Event::EarlierLost { step: id.clone(), again, reason })
        });
        Turn::After(m.policy.poll)
    }

    fn done(&mut self, m: &Moment, evidence: Evidence) -> Turn {
        let since = *self.steady.get_or_insert_with(Instant::now);
        let left = m.policy.soak.saturating_sub(since.elapsed());
        if !left.is_zero() && !m.aborting() {
            return Turn::After(left.min(m.policy.poll));
        }
        let evidence = match (&m.open, evidence) {
            (Open::Unknown(why), Evidence::Seen { what }) => Evidence::Seen {
                what: format!("{what} (seen afterwards: how the op ended is not known, {why})"),
            },
            (_, evidence) => evidence,
        };
        let id = self.step.id.clone();
        self.write(|s| (!s.steps[&id].is_over()).then_some(Event::StepDone { step: id.clone(), evidence }));
        Turn::Over
    }

    /// Acts: the goal is not reached, and acting is possible.
    async fn ready(&mut self, m: &Moment, reply: &Reply) -> Turn {
        self.steady = None;
        if m.aborting() {
            return self.fail(aborted("its op ended without effect"));
        }
        if !may_act(&m.state) {
            return Turn::After(m.policy.poll);
        }
        let acted = m.state.steps[&self.step.id].acted;
        let spec = self.step.clone();
        let cx = Cx { state: &m.state, step: &spec, ahead: m.ahead, acted };
        let Some(act) = spec.kind.step().act(&cx, reply) else {
            return self.wait(m, "not there yet".into());
        };
        if let (Open::Unknown(why), false) = (&m.open, m.policy.repeatable) {
            let text = format!(
                "nobody can know how the op ended ({why}), and it may not be repeated blindly: look at the node first"
            );
            let stop = StopReason { code: "indeterminate".into(), ..plain(text, "podlift retry") };
            return self.fail(stop);
        }
        self.no_effect += u32::from(acted && matches!(m.open, Open::Ended));
        if self.no_effect >= NO_EFFECT {
            let text =
                format!("the op ended well {NO_EFFECT} times and changed nothing: look at the node first");
            return self.fail(StopReason { code: "no-effect".into(), ..plain(text, "podlift retry") });
        }
        self.waiting = None;
        self.reason = None;
        self.act(m, &act).await
    }

    pub fn write(&self, decide: impl FnOnce(&RunState) -> Option<Event>) -> bool {
        self.runner.try_write(&self.run, decide)
    }
}
