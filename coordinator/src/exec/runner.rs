//! The loop of a run. It asks the engine for the next steps, keeps one driver for each active step, and records what follows from all of
//! them.

use super::choose::choose;
use super::desk::Desk;
use super::drive::Drive;
use super::undo::{Patience, Undo, Undone};
use crate::pulse::{TURN, Watchdog};
use podlift_engine::machine::{Event, Next, RunState, Todo, batch_due, next};
use podlift_model::{NodeName, RunId, StepId};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

pub struct Runner {
    pub desk: Arc<Desk>,
}

/// The subject of a driver's work.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Work {
    Step(StepId),
    Undo(RunId),
    /// The undo on a node that has left the run.
    Leave(RunId, NodeName),
    /// The choice of the next batch.
    Choose(RunId),
}

/// The running drivers. Dropping the crew ends them; agents continue what they have accepted.
#[derive(Default)]
struct Crew {
    tasks: JoinSet<Work>,
    busy: BTreeSet<Work>,
}

impl Crew {
    fn put(&mut self, work: Work, job: impl Future<Output = ()> + Send + 'static) {
        if self.busy.insert(work.clone()) {
            self.tasks.spawn(async move {
                job.await;
                work
            });
        }
    }
}

impl Runner {
    /// Runs until `stop` is cancelled. An open run continues where its journal ends.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut crew = Crew::default();
        let mut journal = self.desk.store.subscribe();
        let mut fence = self.desk.fence.subscribe();
        let mut watchdog = Watchdog::default();
        loop {
            // Each turn has waited for the journal's writer, so that systemd notices a writer that hangs.
            if let Some(state) = self.desk.store.open_run().filter(|_| self.desk.fence.commanding().is_some())
            {
                self.set_to_work(&state, &mut crew);
            }
            watchdog.alive();
            tokio::select! {
                () = stop.cancelled() => return,
                changed = journal.changed() => if changed.is_err() { return },
                changed = fence.changed() => if changed.is_err() { return },
                Some(done) = crew.tasks.join_next() => match done {
                    Ok(work) => drop(crew.busy.remove(&work)),
                    Err(error) => {
                        tracing::error!(%error, "a driver died");
                        crew = Crew::default();
                        self.desk.fence.lose(format!("a task of the coordinator has failed ({error}): restart the coordinator, and the run continues where it was"));
                    }
                },
                // Neither stream reports what agents remember and which runs an operator adopted.
                () = tokio::time::sleep(self.desk.settings.poll), if self.desk.fence.commanding().is_none() => {}
                () = tokio::time::sleep(TURN) => {}
            }
        }
    }

    fn set_to_work(self: &Arc<Self>, state: &Arc<RunState>, crew: &mut Crew) {
        for (node, keeps_cordon) in state.to_undo() {
            let (runner, run, node) = (self.clone(), state.run.clone(), node.clone());
            let work = Work::Leave(run.clone(), node.clone());
            crew.put(work, async move { runner.leave(&run, &node, keeps_cordon).await });
        }
        if batch_due(state) {
            let run = state.run.clone();
            crew.put(Work::Choose(run.clone()), choose(self.desk.clone(), run));
        }
        match next(state) {
            Next::Drive(todos) => {
                for Todo { step, .. } in todos {
                    let work = Work::Step(step.id.clone());
                    let span = super::spans::step(&state.run, &step);
                    crew.put(
                        work,
                        Drive::new(self.desk.clone(), state.run.clone(), step).until_over().instrument(span),
                    );
                }
            }
            Next::Succeed => {
                self.write(&state.run, |s| (next(s) == Next::Succeed).then_some(Event::RunSucceeded))
            }
            Next::Pause(_) => self.write(&state.run, |s| match next(s) {
                Next::Pause(reason) => Some(Event::RunPaused { reason: *reason, by: None, now: false }),
                _ => None,
            }),
            Next::Defer { .. } => self.write(&state.run, |s| match next(s) {
                Next::Defer { node, reason } => {
                    Some(Event::NodeDeferred { node, reason, by: "podlift".into(), until: None })
                }
                _ => None,
            }),
            Next::SetAside { .. } => self.write(&state.run, |s| match next(s) {
                Next::SetAside { node, step, reason } => {
                    Some(Event::NodeSetAside { node, step, reason: *reason })
                }
                _ => None,
            }),
            Next::Undo => {
                let (runner, run) = (self.clone(), state.run.clone());
                crew.put(Work::Undo(run.clone()), async move { runner.abort(&run).await });
            }
            Next::Rest => {}
        }
    }

    /// Undoes what is ours and safe to undo, then reports what remains.
    async fn abort(self: Arc<Self>, run: &RunId) {
        let (Some(state), Some(epoch)) = (self.desk.store.run(run), self.desk.fence.commanding()) else {
            return;
        };
        let performer = &self.desk.performer;
        let goes_on = || self.desk.store.run(run).is_some_and(|s| !s.undo_stopped);
        let (poll, patience) = (self.desk.settings.poll, Patience::While(&goes_on));
        let undo = Undo { performer, state: &state, epoch: &epoch, poll, patience, keep_cordons: false };
        let Undone { undone, mut left } = undo.run(None).await;
        let sets = &performer.backups.settings().directory;
        left.extend(super::remains::remains(&state, &performer.agents.seen(), sets));
        self.write(run, |s| (next(s) == Next::Undo).then_some(Event::RunAborted { undone, left }));
    }

    /// Undoes what is ours on a node that has left the run, and records what remains. A repetition after a restart is harmless.
    async fn leave(self: Arc<Self>, run: &RunId, node: &NodeName, keep_cordons: bool) {
        let performer = &self.desk.performer;
        // A drain ends first, or it would go on while the node is given back.
        performer.lines.until_idle(node).await;
        let (Some(state), Some(epoch)) = (self.desk.store.run(run), self.desk.fence.commanding()) else {
            return;
        };
        let (poll, patience) = (self.desk.settings.poll, Patience::Tries);
        let undo = Undo { performer, state: &state, epoch: &epoch, poll, patience, keep_cordons };
        let Undone { undone, left } = undo.run(Some(node)).await;
        self.write(run, |s| {
            s.undo_due.contains(node).then(|| Event::NodeUndone { node: node.clone(), undone, left })
        });
    }

    fn write(&self, run: &RunId, decide: impl FnOnce(&RunState) -> Option<Event>) {
        self.desk.write(run, decide);
    }
}
