//! The commands of a person. Each has its own event in the journal.

use super::decisions::{approve, decide, include, override_devices, pause, resume, retry, set, unwaive};
use super::{Coordinator, CoordinatorError};
use jiff::Timestamp;
use podlift_engine::machine::{Event, RunState, RunStatus};
use podlift_engine::program::Item;
use podlift_engine::steps::Cx;
use podlift_model::op::Component;
use podlift_model::{Digest, HostOp, NodeName, RunId, StepId};
use std::sync::Arc;
use std::time::Duration;

/// How long the answer to a deferral waits for the undo on the node.
const UNDO: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    Pause {
        reason: String,
        /// Lanes that have begun do not go on to their end, and drains stop.
        now: bool,
    },
    Resume,
    /// `None` means every failed step.
    Retry {
        step: Option<StepId>,
        repair_dpkg: bool,
    },
    /// Like a retry; the node's steps act although devices there are in use.
    OverrideDevices {
        node: NodeName,
        reason: String,
        step: Option<StepId>,
        repair_dpkg: bool,
    },
    Abort {
        reason: String,
    },
    Defer {
        node: NodeName,
        reason: String,
        /// Plans leave the node out until then; `None` if only this run does.
        until: Option<Timestamp>,
    },
    /// Takes a deferred node into the run again.
    Include {
        node: NodeName,
    },
    /// States that a node won't come back: it leaves the run. Without a run it only shows what is left to do by hand.
    NodeLost {
        node: NodeName,
    },
    /// Gives back the cordon that an ended run has left on a node.
    NodeRelease {
        node: NodeName,
        reason: String,
        /// Also if the node is not whole; needs a reason.
        force: bool,
    },
    /// Changes an option of the run.
    Set {
        option: String,
        value: String,
    },
    Unwaive {
        check: String,
    },
    /// `None` means the hash that the agent reported last.
    HealAccept {
        node: NodeName,
        component: Component,
        sha256: Option<Digest>,
    },
    HealApply {
        node: NodeName,
        component: Component,
    },
    /// A fact that no machine can check. It needs no run.
    Attest {
        name: String,
        note: String,
    },
    /// Approves the step that the run waits for.
    Approve,
    /// A person's word about an item of the run, by name.
    Item {
        item: Item,
        /// Why it is not to be done; `None` if it is approved.
        refused: Option<String>,
    },
    /// Findings of a person for the report of a run, also of an ended one; the newest if the request names none.
    Note {
        text: String,
    },
    /// Claims the epoch with the connected agents.
    Takeover,
    /// Accepts that runs which only agents remember are not in the journal.
    Adopt,
    /// Moves runs that ended before this from the journal into a file.
    Archive {
        before: Timestamp,
    },
    /// Reads every byte of an archive, or of all archives if `file` is `None`.
    VerifyArchive {
        file: Option<String>,
    },
}

impl Coordinator {
    /// `run` is `None` for the open run. Answers with a line for people.
    pub async fn command(
        &self,
        run: Option<&RunId>,
        command: Command,
        by: &str,
    ) -> Result<String, CoordinatorError> {
        match command {
            Command::Takeover => return Ok(self.fence.takeover().await?),
            Command::Adopt => return self.adopt(by),
            Command::VerifyArchive { file } => return self.verify_archives(file).await,
            // It commands no node, so it needs no epoch.
            Command::Archive { before } => return self.archive(before, by).await,
            _ => self.may_command()?,
        }
        let command = match command {
            Command::Attest { name, note } => return self.attest(name, note, by),
            Command::HealAccept { node, component, sha256 } => {
                return self.heal_accept(node, component, sha256, by).await;
            }
            Command::HealApply { node, component } => {
                return self.ask_node(node, HostOp::HealApply { component }, by).await;
            }
            Command::NodeRelease { node, reason, force } => {
                return self.release(node, reason, force, by).await;
            }
            Command::NodeLost { node } => return self.node_lost(run, node, by).await,
            Command::Note { text } => return self.note(run, text, by),
            other => other,
        };
        let state = self.commanded(run)?;
        let id = state.run.clone();
        if matches!(state.status, RunStatus::Aborting { .. }) && !matches!(command, Command::Abort { .. }) {
            return Err(CoordinatorError::Aborting { run: id });
        }
        let by = by.to_string();
        let (event, said) = match command {
            Command::Pause { reason, now: false } => {
                let said =
                    format!("run {id} pauses: nodes that have begun go on to their end, and none begins");
                (pause(reason, false, &by), said)
            }
            Command::Pause { reason, now: true } => {
                let said = format!("run {id} pauses now: ops that are running end, and drains stop");
                (pause(reason, true, &by), said)
            }
            Command::Set { option, value } => {
                let (event, said) = set(&state, option, value, by)?;
                (event, format!("{said} in run {id} from now on"))
            }
            Command::Approve => (approve(&state, by)?, format!("approved: run {id} continues")),
            Command::Item { item, refused } => decide(&state, item, refused, by),
            Command::Resume => (resume(&state, by)?, format!("run {id} continues")),
            Command::Retry { step, repair_dpkg } => {
                (retry(&state, step, by, repair_dpkg)?, format!("run {id} tries the failed steps again"))
            }
            Command::OverrideDevices { node, reason, step, repair_dpkg } => {
                let event = retry(&state, step, by.clone(), repair_dpkg)?;
                self.store.append(Some(&id), override_devices(&state, &node, reason, by)?)?;
                (
                    event,
                    format!("run {id} tries the failed steps again, on {node} although devices are in use"),
                )
            }
            Command::Abort { reason } => (
                Event::AbortAsked { by, reason },
                format!(
                    "run {id} is being aborted; `podlift report` lists what was reverted and what is left"
                ),
            ),
            Command::Unwaive { check } => (
                unwaive(&state, check, by)?,
                format!("the waiver is revoked; `podlift retry` continues run {id}"),
            ),
            Command::Include { node } => {
                let said =
                    format!("node {node} takes part in run {id} again; podlift resume, if the run is paused");
                if state.undo_due.contains(&node) {
                    return Err(CoordinatorError::StillUndone { node });
                }
                (include(&state, node, by)?, said)
            }
            Command::Defer { node, reason, until } => {
                return self.defer(&state, node, reason, until, by).await;
            }
            Command::Takeover
            | Command::Adopt
            | Command::Archive { .. }
            | Command::VerifyArchive { .. }
            | Command::Attest { .. }
            | Command::Note { .. }
            | Command::NodeLost { .. }
            | Command::NodeRelease { .. }
            | Command::HealAccept { .. }
            | Command::HealApply { .. } => {
                return Ok(String::new());
            }
        };
        self.store.append(Some(&id), event)?;
        Ok(said)
    }

    pub(super) fn commanded(&self, run: Option<&RunId>) -> Result<Arc<RunState>, CoordinatorError> {
        let state = match run {
            Some(run) => self.store.run(run).ok_or_else(|| self.no_such_run(run))?,
            None => self.store.open_run().ok_or(CoordinatorError::NoRun)?,
        };
        if state.is_over() { Err(CoordinatorError::NoRun) } else { Ok(state) }
    }

    /// Leaves the node as it is, except that it undoes our own marks there. A drain stops at once; any other op has to end first.
    async fn defer(
        &self,
        state: &RunState,
        node: NodeName,
        reason: String,
        until: Option<Timestamp>,
        by: String,
    ) -> Result<String, CoordinatorError> {
        let now = self.clock.now();
        if let Some(past) = until.filter(|until| *until <= now) {
            let why = format!("--until {past} is not in the future: it is {now} now");
            return Err(CoordinatorError::MayNotDefer { node, why });
        }
        if let Some(why) = state.why_not_defer(&node) {
            return Err(CoordinatorError::MayNotDefer { node, why });
        }
        let open =
            state.plan.steps().find(|s| s.node.as_ref() == Some(&node) && state.steps[&s.id].is_open());
        // If the agent with the op is gone, the end of the op cannot become known. The operator's command then counts.
        let there = open.is_some_and(|step| {
            let cx = Cx { state, step, ahead: 0, acted: false };
            self.performer.agents.ledger(&self.performer.agent_of_step(&cx).name).is_some()
        });
        if let Some(step) = open.filter(|step| there && !step.kind.step().interruptible()) {
            return Err(CoordinatorError::NodeBusy { node, step: step.id.clone() });
        }
        let event = Event::NodeDeferred { node: node.clone(), reason, by, until };
        self.store.append(Some(&state.run), event)?;
        let tail = match self.undone(&state.run, &node).await {
            Some(left) if left.is_empty() => String::new(),
            Some(left) => format!(": {}", left.join("; ")),
            None => {
                "; what the run has put there is being undone, and podlift status shows what stays".into()
            }
        };
        let end = match until {
            Some(until) => format!(", and in plans until {until}"),
            None => String::new(),
        };
        Ok(format!(
            "node {node} is deferred in run {}{end}{tail}; podlift resume, if the run is paused",
            state.run
        ))
    }

    /// What stays on a node that has left the run, once the runner has undone the rest; `None` if that takes too long. The caller may go
    /// away, because the runner does not depend on it.
    async fn undone(&self, run: &RunId, node: &NodeName) -> Option<Vec<String>> {
        let mut journal = self.store.subscribe();
        let over = async {
            loop {
                let state = self.store.run(run)?;
                if !state.undo_due.contains(node) {
                    return Some(state.left.get(node).cloned().unwrap_or_default());
                }
                journal.changed().await.ok()?;
            }
        };
        tokio::time::timeout(UNDO, over).await.ok().flatten()
    }

    fn adopt(&self, by: &str) -> Result<String, CoordinatorError> {
        let runs: Vec<RunId> = self.fence.unknown_runs().into_iter().collect();
        if runs.is_empty() {
            return Ok("nothing to adopt: agents remember no run that the journal lacks".into());
        }
        let names = runs.iter().map(RunId::as_str).collect::<Vec<_>>().join(", ");
        self.store.append(None, Event::RunsAdopted { runs, by: by.into() })?;
        Ok(format!("adopted: {names}; this coordinator may command again"))
    }
}
