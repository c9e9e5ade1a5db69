//! One mutation, from its acceptance to its recorded outcome.

use super::{Executor, OpState};
use crate::interlock;
use crate::ledger::Accepted;
use crate::ops::{self, Applied, Cx, Op};
use crate::units::{Ended, UnitSpec};
use podlift_model::{Failure, OpId, OpOutcome, OpOutput, codes};
use podlift_tools::apt::lock;
use std::sync::atomic::Ordering;
use tokio::sync::watch;

/// How the effect ended: judged, or unknown with the reason.
pub(super) type Effect = Result<Result<OpOutput, Failure>, String>;

pub(super) fn judged(result: Result<OpOutput, Failure>) -> Effect {
    Ok(result)
}

impl Executor {
    /// Runs an op that was accepted just now.
    pub(super) async fn run_new(&self, op_id: OpId, accepted: Accepted, state: watch::Sender<OpState>) {
        let op = ops::implementation(&accepted.op);
        let cx = Cx { node: &self.node, op_id: &op_id, accepted: &accepted };
        let effect = self.fresh(&cx, op.as_ref(), &state).await;
        self.finish(&cx, op.as_ref(), effect, state).await;
    }

    /// Observes, and makes the effect if that is still necessary.
    pub(super) async fn fresh(&self, cx: &Cx<'_>, op: &dyn Op, state: &watch::Sender<OpState>) -> Effect {
        if op.is_unit()
            && let Err(failure) = self.clear(cx, op, state).await
        {
            return judged(Err(failure));
        }
        if let Err(failure) = ops::may_act(cx).await {
            return judged(Err(failure));
        }
        match op.observe(cx).await {
            Ok(Some(output)) => return judged(Ok(output)),
            Ok(None) => {}
            Err(failure) => return judged(Err(failure)),
        }
        let say = |line: String| drop(state.send_replace(OpState::Progress(line)));
        let note = match interlock::clear(cx, say).await {
            Ok(note) => note,
            Err(failure) => return judged(Err(failure)),
        };
        let effect = match op.apply(cx).await {
            Ok(Applied::Done(output)) => judged(Ok(output)),
            Ok(Applied::Unit(spec)) => self.unit(cx, op, &spec, state).await,
            Err(failure) => judged(Err(failure)),
        };
        noted(effect, note)
    }

    /// Waits, with progress lines, for what must end first: an op's unit that this ledger does not know, because another ledger accepted
    /// it; then another program's lock.
    async fn clear(&self, cx: &Cx<'_>, op: &dyn Op, state: &watch::Sender<OpState>) -> Result<(), Failure> {
        let ops = &self.node.config.ops;
        let until = tokio::time::Instant::now() + ops.kubeadm_timeout;
        let say = |line: String| drop(state.send_replace(OpState::Progress(line)));
        loop {
            match self.node.units.alone(cx.op_id, &self.others(cx.op_id)).await {
                Err(failure)
                    if failure.code == codes::UNIT_RUNNING && tokio::time::Instant::now() < until =>
                {
                    say(failure.message);
                    tokio::time::sleep(ops.poll).await;
                }
                Err(failure) => return Err(failure),
                Ok(()) => break,
            }
        }
        let began = tokio::time::Instant::now();
        while let Some(held) = lock::holder(&self.node.host, op.locks()) {
            if began.elapsed() >= ops.lock_timeout {
                let message = format!("{held} for {} s; wait for it to end", began.elapsed().as_secs());
                return Err(Failure::transient(codes::APT_LOCK, message));
            }
            say(format!("waiting for {} s: {held}", began.elapsed().as_secs()));
            tokio::time::sleep(ops.poll).await;
        }
        Ok(())
    }

    async fn unit(
        &self,
        cx: &Cx<'_>,
        op: &dyn Op,
        spec: &UnitSpec,
        state: &watch::Sender<OpState>,
    ) -> Effect {
        let moves = ops::moves_manifests(&cx.accepted.op);
        if moves {
            self.node.heal.kubeadm_started();
        }
        let effect = match self.node.units.start(cx.op_id, spec).await {
            Ok(()) => {
                if let Err(error) = self.node.ledger.started(cx.op_id) {
                    tracing::warn!(%error, "the start of a unit is not recorded; it is found by its name");
                }
                self.follow(cx, op, state).await
            }
            Err(failure) => judged(Err(failure)),
        };
        if moves {
            self.node.heal.kubeadm_ended();
        }
        effect
    }

    /// Waits for the op's unit and judges how it ended.
    pub(super) async fn follow(&self, cx: &Cx<'_>, op: &dyn Op, state: &watch::Sender<OpState>) -> Effect {
        let progress = |line: &str| drop(state.send_replace(OpState::Progress(line.to_string())));
        match self.node.units.wait(cx.op_id, progress).await {
            Ended::Exited(exit) => judged(op.conclude(cx, &exit).await),
            Ended::Unknown(why) => Err(why),
        }
    }

    /// Settles the node, records the outcome, and only then reports it.
    pub(super) async fn finish(
        &self,
        cx: &Cx<'_>,
        op: &dyn Op,
        effect: Effect,
        state: watch::Sender<OpState>,
    ) {
        let effect = effect.map(|judged| judged.map_err(|failure| ops::in_words(cx, failure)));
        let outcome = outcome(effect, op.settle(cx).await);
        while let Err(error) = self.node.ledger.ended(cx.op_id, &outcome) {
            // The outcome stays unreported and valid: the disk may have room again later.
            tracing::error!(%error, op = %cx.op_id, "an outcome can't be recorded; tried again");
            tokio::time::sleep(self.node.config.ops.poll).await;
        }
        self.node.meters.op_ended(&cx.accepted.op, &outcome, cx.took());
        self.node.changes.fetch_add(1, Ordering::Relaxed);
        self.node.set_running(cx.op_id, None);
        self.release(cx.op_id);
        let failed = !matches!(outcome, OpOutcome::Done { .. });
        state.send_replace(OpState::Ended(outcome));
        if op.is_unit() && failed {
            self.node.units.forget(cx.op_id).await;
        }
    }
}

impl Executor {
    /// Lets the next mutation start.
    fn release(&self, op_id: &OpId) {
        self.running().remove(op_id);
    }
}

/// Adds what the interlock noted to the line of the op.
fn noted(effect: Effect, note: Option<String>) -> Effect {
    match (effect, note) {
        (Ok(Ok(OpOutput::Changed(line))), Some(note)) => {
            judged(Ok(OpOutput::Changed(format!("{line}; {note}"))))
        }
        (effect, _) => effect,
    }
}

/// The outcome of an op. If the node could not be settled, that is a failure even of an op whose effect succeeded.
fn outcome(effect: Effect, settled: Result<(), Failure>) -> OpOutcome {
    match (effect, settled) {
        (Ok(result), Ok(())) => result.into(),
        (Ok(Ok(_)), Err(unsettled)) => OpOutcome::Failed { failure: unsettled },
        (Ok(Err(failure)), Err(unsettled)) => {
            let message = format!("{}; besides, {}", failure.message, unsettled.message);
            OpOutcome::Failed { failure: Failure { message, ..failure } }
        }
        (Err(why), Ok(())) => OpOutcome::Indeterminate { why },
        (Err(why), Err(unsettled)) => {
            OpOutcome::Indeterminate { why: format!("{why}; besides, {}", unsettled.message) }
        }
    }
}
