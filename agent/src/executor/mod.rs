//! Runs ops: one mutation at a time on a node, and observations beside it. On a head node ops of different subjects run beside each other,
//! because many nodes get their images at once. The order is: the epoch is checked; a known op id gets its recorded
//! outcome; the op is on the disk before its effect; its outcome is on the disk before it is reported.

mod drive;
mod recover;
mod spans;

use crate::ledger::{Accepted, Lookup};
use crate::node::Node;
use crate::ops;
use podlift_model::{Epoch, Failure, HostOp, OpId, OpOutcome, codes};
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::Instrument as _;

/// State of a mutation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum OpState {
    Started,
    /// A line for people.
    Progress(String),
    Ended(OpOutcome),
}

/// The answer to a request.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The op was not started.
    Refused(Failure),
    /// The op runs; the receiver ends with `Ended`.
    Follow(watch::Receiver<OpState>),
    /// The op ended before.
    Ended(OpOutcome),
}

pub(crate) struct Executor {
    node: Arc<Node>,
    running: Mutex<BTreeMap<OpId, Running>>,
    tasks: Mutex<JoinSet<()>>,
}

#[derive(Clone)]
struct Running {
    verb: &'static str,
    /// What it changes: `None` for all of a node.
    subject: Option<String>,
    state: watch::Receiver<OpState>,
}

impl Executor {
    pub fn new(node: Arc<Node>) -> Arc<Self> {
        Arc::new(Self { node, running: Mutex::default(), tasks: Mutex::new(JoinSet::new()) })
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<OpId, Running>> {
        self.running.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Submits a mutation and returns at once. The op continues whatever happens to the caller.
    pub fn submit(self: &Arc<Self>, op_id: &OpId, epoch: &Epoch, op: &HostOp) -> Answer {
        if let Err(refused) = self.is_ours(op) {
            return Answer::Refused(refused);
        }
        if let Err(refused) = self.fence(epoch) {
            return Answer::Refused(refused);
        }
        let mut running = self.running();
        if let Some(known) = self.known(op_id, running.get(op_id)) {
            return known;
        }
        let subject = ops::subject(op);
        if let Some((other, running)) = running.iter().find(|(_, r)| r.subject == subject) {
            let what = subject.unwrap_or_else(|| "this node".into());
            let message = format!(
                "op {other} ({}) runs on {what}; one mutation at a time: ask again when it has ended",
                running.verb
            );
            return Answer::Refused(Failure::transient(codes::BUSY, message));
        }
        let clock = &self.node.host.clock;
        let accepted = Accepted {
            op: op.clone(),
            epoch: epoch.clone(),
            boot: self.node.boot.clone(),
            at: clock.now(),
            since_boot: clock.since_boot(),
        };
        if let Err(e) = self.node.ledger.accept(op_id, &accepted) {
            return Answer::Refused(Failure::operator(codes::LEDGER_FAILED, e.to_string()));
        }
        let (sender, state) = watch::channel(OpState::Started);
        running.insert(op_id.clone(), Running { verb: op.verb(), subject, state: state.clone() });
        self.node.set_running(op_id, Some(op.verb()));
        drop(running);
        let (executor, op_id) = (self.clone(), op_id.clone());
        let span = spans::op(&self.node, &op_id, &accepted);
        self.spawn(async move { executor.run_new(op_id, accepted, sender).await }.instrument(span));
        Answer::Follow(state)
    }

    /// Ops of a node change packages, kubeadm, kubelet and manifests, and a head node has none of these; ops of a head node use BCM's tools,
    /// which no other node has.
    fn is_ours(&self, op: &HostOp) -> Result<(), Failure> {
        let (name, verb) = (&self.node.config.node, op.verb());
        let message = match (self.node.config.is_head(), op.is_of_head()) {
            (true, false) => {
                format!("{verb} is an op of a node, and {name} is a head node: nothing was changed")
            }
            (false, true) => format!(
                "{verb} is an op of a head node, and {name} is none: nothing was changed; [bcm] head in coordinator.toml must name an agent with role = \"head\""
            ),
            _ => return Ok(()),
        };
        Err(Failure::permanent(codes::NOT_OF_THIS_ROLE, message))
    }

    /// The ops that run beside this one.
    fn others(&self, op_id: &OpId) -> Vec<OpId> {
        self.running().keys().filter(|id| *id != op_id).cloned().collect()
    }

    /// Checks, when an op starts, that its coordinator may command.
    fn fence(&self, epoch: &Epoch) -> Result<(), Failure> {
        let Some(highest) = self.node.ledger.highest() else {
            let message = "this agent's ledger is new: it has forgotten, or never knew, who commands; it changes nothing until an epoch is claimed";
            return Err(Failure::transient(codes::LEDGER_NEW, message));
        };
        if highest == *epoch {
            return Ok(());
        }
        match self.node.ledger.claim(epoch) {
            Ok(true) => Ok(()),
            Ok(false) => {
                let message = format!(
                    "epoch {epoch} is over: this node follows {highest}; another coordinator has taken over"
                );
                Err(Failure::permanent(codes::EPOCH_STALE, message))
            }
            Err(e) => Err(Failure::operator(codes::LEDGER_FAILED, e.to_string())),
        }
    }

    /// Checks that a look which is reserved for the coordinator in office comes from it. Does not claim the epoch.
    pub fn in_office(&self, epoch: Option<&Epoch>) -> Result<(), Failure> {
        let highest = self.node.ledger.highest();
        if highest.is_some() && highest.as_ref() == epoch {
            return Ok(());
        }
        let told = |epoch: Option<&Epoch>| epoch.map_or("none".to_string(), ToString::to_string);
        let message = format!(
            "epoch {} does not command here, {} does: only the coordinator in office is handed files",
            told(epoch),
            told(highest.as_ref())
        );
        Err(Failure::permanent(codes::EPOCH_STALE, message))
    }

    /// The answer for an op that the agent has seen before.
    fn known(&self, op_id: &OpId, running: Option<&Running>) -> Option<Answer> {
        match self.node.ledger.lookup(op_id) {
            Lookup::Unknown => None,
            Lookup::Ended(outcome) => Some(Answer::Ended(outcome)),
            Lookup::Running => Some(match running {
                Some(running) => Answer::Follow(running.state.clone()),
                None => Answer::Refused(Failure::transient(
                    "recovering",
                    format!("op {op_id} is being found again; ask again"),
                )),
            }),
        }
    }

    /// What the ledger records of an op.
    pub fn lookup(&self, op_id: &OpId) -> Lookup {
        self.node.ledger.lookup(op_id)
    }

    /// Spawns a task that ends with the agent.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }

    /// Ends every task. Units continue, and the next agent finds them.
    pub fn shutdown(&self) {
        self.tasks.lock().unwrap_or_else(std::sync::PoisonError::into_inner).abort_all();
    }
}

#[cfg(test)]
mod head_tests;
#[cfg(test)]
mod tests;
