//! Ops that were accepted and not ended when the agent stopped: found again, and brought to an end. A unit is found by its name; one that
//! is gone without an exit record, or was ended by a restart of the machine, ended in a way that nobody can know.

use super::drive::{Effect, judged};
use super::{Executor, OpState, Running};
use crate::ledger::OpenOp;
use crate::ops::{self, Cx, Op};
use crate::units::Ended;
use std::sync::Arc;
use tokio::sync::watch;
use tracing::Instrument as _;

impl Executor {
    /// Takes up what is open. Nothing new starts before this has returned; what it took up goes on in the background.
    pub fn recover(self: &Arc<Self>) {
        // More than one is only possible if a ledger says so: then one after the other.
        let open = self.node.ledger.open_ops();
        let Some(first) = open.first() else { return };
        let (sender, state) = watch::channel(OpState::Started);
        *self.running() = Some(Running { op_id: first.op_id.clone(), verb: first.accepted.op.verb(), state });
        for op in &open {
            self.node.set_running(&op.op_id, Some(op.accepted.op.verb()));
        }
        let executor = self.clone();
        self.spawn(async move {
            let mut sender = Some(sender);
            for op in open {
                let sender = sender.take().unwrap_or_else(|| executor.take_slot(&op));
                let span = super::spans::op(&executor.node, &op.op_id, &op.accepted);
                executor.take_up(op, sender).instrument(span).await;
            }
        });
    }

    fn take_slot(&self, open: &OpenOp) -> watch::Sender<OpState> {
        let (sender, state) = watch::channel(OpState::Started);
        *self.running() = Some(Running { op_id: open.op_id.clone(), verb: open.accepted.op.verb(), state });
        sender
    }

    async fn take_up(&self, open: OpenOp, state: watch::Sender<OpState>) {
        tracing::info!(op = %open.op_id, verb = open.accepted.op.verb(), "found an op that had not ended");
        let cx = Cx { node: &self.node, op_id: &open.op_id, accepted: &open.accepted };
        let op = ops::implementation(&open.accepted.op);
        let moves = ops::moves_manifests(&open.accepted.op);
        if moves {
            self.node.heal.kubeadm_started();
        }
        let effect = if op.is_unit() {
            self.find_unit(&cx, op.as_ref(), open.started, &state).await
        } else {
            self.find_effect(&cx, op.as_ref(), &state).await
        };
        if moves {
            self.node.heal.kubeadm_ended();
        }
        self.finish(&cx, op.as_ref(), effect, state).await;
    }

    /// One op id starts one unit, ever: it is started here only if it provably was not. What a restart of the machine hid is for the
    /// coordinator to judge, and a further attempt has an op id of its own.
    async fn find_unit(
        &self,
        cx: &Cx<'_>,
        op: &dyn Op,
        started: bool,
        state: &watch::Sender<OpState>,
    ) -> Effect {
        if let Some(Ended::Exited(exit)) = self.node.units.exited(cx.op_id) {
            return judged(op.conclude(cx, &exit).await);
        }
        let rebooted = cx.accepted.boot != self.node.boot;
        if !rebooted && self.node.units.known(cx.op_id).await {
            return self.follow(cx, op, state).await;
        }
        if op.repeatable() && !rebooted && !started {
            return self.fresh(cx, op, state).await;
        }
        Err(match rebooted {
            true => "the machine was restarted while it ran, and it left no exit record".into(),
            false => "its unit is gone and left no exit record".into(),
        })
    }

    async fn find_effect(&self, cx: &Cx<'_>, op: &dyn Op, state: &watch::Sender<OpState>) -> Effect {
        match op.observe(cx).await {
            Ok(Some(output)) => judged(Ok(output)),
            _ if op.repeatable() => self.fresh(cx, op, state).await,
            Ok(None) => {
                Err("the agent was stopped while it ran, and what it should bring about is not so".into())
            }
            Err(failure) => {
                Err(format!("the agent was stopped while it ran, and looking failed: {}", failure.message))
            }
        }
    }
}
