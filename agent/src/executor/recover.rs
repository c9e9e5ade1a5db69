//! Finds the ops that were accepted and not ended when the agent stopped, and finishes them. A unit is found by its name. If it is gone
//! without an exit record, or a restart of the machine ended it, its outcome is unknown.

use super::drive::{Effect, judged};
use super::{Executor, OpState, Running};
use crate::ledger::OpenOp;
use crate::ops::{self, Cx, Op};
use crate::units::Ended;
use std::sync::Arc;
use tokio::sync::watch;
use tracing::Instrument as _;

impl Executor {
    /// Resumes open ops. No new op starts before this returns; the resumed ops continue in the background.
    pub fn recover(self: &Arc<Self>) {
        let open: Vec<_> =
            self.node.ledger.open_ops().into_iter().map(|op| (self.take_slot(&op), op)).collect();
        if self.node.config.is_head() {
            for (sender, op) in open {
                let executor = self.clone();
                self.spawn(async move { executor.found(op, sender).await });
            }
            return;
        }
        // More than one is possible only if a ledger says so; they then run one after the other.
        let executor = self.clone();
        self.spawn(async move {
            for (sender, op) in open {
                executor.found(op, sender).await;
            }
        });
    }

    async fn found(&self, op: OpenOp, sender: watch::Sender<OpState>) {
        let span = super::spans::op(&self.node, &op.op_id, &op.accepted);
        self.take_up(op, sender).instrument(span).await;
    }

    fn take_slot(&self, open: &OpenOp) -> watch::Sender<OpState> {
        let (sender, state) = watch::channel(OpState::Started);
        let (op, verb) = (&open.accepted.op, open.accepted.op.verb());
        self.running().insert(open.op_id.clone(), Running { verb, subject: ops::subject(op), state });
        self.node.set_running(&open.op_id, Some(verb));
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

    /// One op id starts one unit only: a unit is started here only if it provably never was. If a restart of the machine hid the end, the
    /// coordinator judges that, and a further attempt has another op id.
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
