//! Drives one step from its state in the journal to its end: probe, assess, act, and again. Every turn starts from the state, so that a
//! driver that begins after a crash does exactly what an uninterrupted one would do.

use super::act::{Attempt, attempt};
use super::desk::Desk;
use super::entries::Entries;
use super::reasons::{self, RETRY, aborted, stop};
use super::recover::{Memory, recall};
use super::tries::{Again, NO_EFFECT, Tries};
use super::turn::{Basis, Open, Turn, aborting};
use super::wait::Waits;
use podlift_engine::machine::{RunState, StepStatus};
use podlift_engine::program::{Evidence, StopReason};
use podlift_engine::steps::{Assess, Cx, Policy};
use podlift_engine::{Act, Reply, StepSpec};
use podlift_model::{Epoch, Failure, FailureClass, OpId, OpOutcome, RunId, codes};
use std::sync::Arc;
use std::time::Duration;

pub(super) struct Drive {
    entries: Entries,
    waits: Waits,
    tries: Tries,
}

impl Drive {
    pub fn new(desk: Arc<Desk>, run: RunId, step: StepSpec) -> Self {
        Self { entries: Entries { desk, run, step }, waits: Waits::default(), tries: Tries::default() }
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
        let open = match recall(&self.entries, &state).await {
            Memory::Settled(open) => open,
            Memory::Ended(op_id, outcome) => return self.ended(&op_id, outcome),
            Memory::Running => return Turn::After(self.poll()),
            Memory::Silent(failure) => return self.wait_for_agent(&state, &failure),
        };
        let spec = self.entries.step.clone();
        let (step, acted) = (spec.kind.step(), state.steps[&spec.id].acted);
        let cx = Cx { state: &state, step: &spec, ahead, acted };
        let own = step.policy(&cx);
        let policy = Policy { poll: own.poll.max(self.poll()), ..own };
        let basis = Basis { state: state.clone(), epoch, ahead, open, policy };
        if let Some(turn) = self.ended_badly(&basis) {
            return turn;
        }
        let reply = match self.entries.desk.performer.probe(&step.probe(&cx)).await {
            Ok(reply) => reply,
            Err(f) if f.class == FailureClass::Transient => return self.wait(&basis, f.message),
            Err(f) => return self.fail(reasons::of_failure(&state, &spec, &f)),
        };
        match step.assess(&cx, &reply) {
            Assess::Done(evidence) => self.done(&basis, evidence),
            Assess::Wait(reason) => self.wait(&basis, reason),
            Assess::Blocked(reason) => self.fail(reason),
            Assess::Again { verbs, why } => self.again(&basis, verbs, why),
            Assess::Ready => self.ready(&basis, &reply).await,
        }
    }

    /// State, epoch and position in the queue, while this step must still be driven.
    fn now(&self) -> Option<(Arc<RunState>, Epoch, u32)> {
        let state = self.entries.state()?;
        let epoch = self.entries.desk.fence.commanding()?;
        let ahead = state.turn(&self.entries.step.id)?;
        Some((state, epoch, ahead))
    }

    fn poll(&self) -> Duration {
        self.entries.desk.settings.poll
    }

    /// Handles a failed op: it is tried again, or the step has failed.
    fn ended_badly(&mut self, basis: &Basis) -> Option<Turn> {
        let status = &basis.state.steps[&self.entries.step.id].status;
        let StepStatus::Ended { op_id, outcome: OpOutcome::Failed { failure } } = status else { return None };
        if basis.aborting() {
            return Some(self.fail(aborted(&failure.message)));
        }
        if failure.code == codes::DRAIN_STOPPED {
            // A person stopped it. The look decides what is left to do.
            return None;
        }
        let step = self.entries.step.kind.step();
        if step.shows_loss(&failure.code) && basis.state.steps[&self.entries.step.id].redone == 0 {
            let verbs = step.rests_on().iter().map(ToString::to_string).collect();
            return Some(self.again(basis, verbs, failure.message.clone()));
        }
        match self.tries.failed(op_id, failure, basis, step.may_pass(failure)) {
            Again::Counted => None,
            Again::After(pause) => Some(Turn::After(pause)),
            // The step itself says what follows.
            Again::GiveUp if step.is_optional() => None,
            Again::GiveUp => Some(self.fail(reasons::of_failure(&basis.state, &self.entries.step, failure))),
        }
    }

    /// What earlier steps gave is gone: they are done again, and then this step.
    fn again(&mut self, basis: &Basis, verbs: Vec<String>, reason: String) -> Turn {
        if basis.aborting() {
            return self.fail(aborted(&reason));
        }
        if let Open::Unsent(op_id) = &basis.open {
            // Steps can't be done again while an op is open, and this one has no memory from which its end could come.
            let why = "no agent has a record of it".to_string();
            return self.ended(op_id, OpOutcome::Indeterminate { why });
        }
        self.entries.lost(verbs, reason);
        Turn::After(basis.policy.poll)
    }

    fn done(&mut self, basis: &Basis, evidence: Evidence) -> Turn {
        let left = basis.policy.soak.saturating_sub(self.waits.steady(&evidence));
        if !left.is_zero() && !basis.aborting() {
            return Turn::After(left.min(basis.policy.poll));
        }
        let evidence = match (&basis.open, evidence) {
            (Open::Unknown(why), Evidence::Seen { what }) => Evidence::Seen {
                what: format!("{what} (seen afterwards: how the op ended is not known, {why})"),
            },
            (_, evidence) => evidence,
        };
        self.entries.done(evidence);
        Turn::Over
    }

    /// Acts: the goal is not reached, and acting is possible.
    async fn ready(&mut self, basis: &Basis, reply: &Reply) -> Turn {
        self.waits.unsteady();
        if basis.aborting() {
            return self.fail(aborted("its op ended without effect"));
        }
        if !basis.state.may_act(&self.entries.step.id) {
            return Turn::After(basis.policy.poll);
        }
        let spec = self.entries.step.clone();
        let acted = basis.state.steps[&spec.id].acted;
        let cx = Cx { state: &basis.state, step: &spec, ahead: basis.ahead, acted };
        let Some(act) = spec.kind.step().act(&cx, reply) else {
            return self.wait(basis, "not there yet".into());
        };
        if let (Open::Unknown(why), false) = (&basis.open, basis.policy.repeatable) {
            let text = format!(
                "it is not known how the op ended ({why}), and it may not be repeated without a look: look at the node first"
            );
            return self.fail(stop(codes::INDETERMINATE, text, RETRY));
        }
        if acted && basis.open == Open::Ended && self.tries.without_effect() {
            let times = podlift_model::count(NO_EFFECT, "time");
            let text = format!("the op ended well {times} and changed nothing: look at the node first");
            return self.fail(stop(codes::NO_EFFECT, text, RETRY));
        }
        self.waits.over();
        self.act(basis, &act).await
    }

    async fn act(&mut self, basis: &Basis, act: &Act) -> Turn {
        match attempt(&self.entries, basis, act).await {
            Attempt::Ended(op_id, outcome) => self.ended(&op_id, outcome),
            Attempt::NotKnown(failure) => self.wait_for_agent(&basis.state, &failure),
            Attempt::Away(reason) => self.wait(basis, reason),
            Attempt::Refused(failure) => {
                self.fail(reasons::of_failure(&basis.state, &self.entries.step, &failure))
            }
            Attempt::NotNow => Turn::After(basis.policy.poll),
            Attempt::Unseated => Turn::Over,
        }
    }

    fn ended(&self, op_id: &OpId, outcome: OpOutcome) -> Turn {
        if self.entries.ended(op_id, outcome) { Turn::Now } else { Turn::After(self.poll()) }
    }

    fn fail(&self, reason: StopReason) -> Turn {
        self.entries.failed(reason);
        Turn::Over
    }

    /// Waits. The reason is recorded when it changes. A wait that takes too long is a failure. An operator who lets the run go on while the
    /// step looks gives it its whole time again.
    fn wait(&mut self, basis: &Basis, reason: String) -> Turn {
        let continued = self.entries.state().map_or(0, |s| s.continued);
        let time = self.waits.time(continued);
        if basis.aborting() {
            return self.fail(aborted(&reason));
        }
        if time > basis.policy.wait {
            let text = format!("{reason} (waited {} s)", time.as_secs());
            return self.fail(stop(codes::TIMEOUT, text, RETRY));
        }
        self.say(&reason);
        Turn::After(basis.policy.poll)
    }

    /// Waits while the end of an open op is not known. The end must become known, so after `wait_seconds` the run pauses with the reason.
    fn wait_for_agent(&mut self, state: &RunState, failure: &Failure) -> Turn {
        let limit = Duration::from_secs(state.plan.options.wait_seconds.into());
        if self.waits.time(state.continued) > limit {
            self.waits.restart();
            if aborting(state) {
                return self.fail(aborted(&failure.message));
            }
            self.entries.paused(reasons::open_op(state, &self.entries.step, failure));
        }
        self.say(&failure.message);
        Turn::After(self.poll())
    }

    fn say(&mut self, reason: &str) {
        if self.waits.is_new(reason) {
            self.entries.waits(reason);
        }
    }
}
