//! Status and report: folds of the journal, joined with what agents said last.

use super::{Coordinator, CoordinatorError, STALE};
use podlift_engine::inventory::NodeEntry;
use podlift_engine::machine::{Record, RunState};
use podlift_engine::view::{self, Report, SeenNode, Status};
use podlift_model::RunId;
use std::sync::Arc;

impl Coordinator {
    /// Of one run, or of the newest.
    pub fn status(&self, run: Option<&RunId>) -> Result<Status, CoordinatorError> {
        let state = self.shown(run)?;
        let now = self.clock.now();
        let nodes = self.nodes(state.as_deref());
        let stale = self.settings.stale_after.unwrap_or(STALE).as_secs();
        let mut status = view::status(&self.cluster_name, now, state.as_deref(), &nodes, stale);
        status.epoch = self.fence.epoch();
        status.read_only = self.fence.read_only();
        for row in status.nodes.iter_mut().filter(|r| r.state == "working" && r.reason.is_none()) {
            row.reason = self.performer.lines.of(&row.name);
        }
        Ok(status)
    }

    pub fn report(&self, run: Option<&RunId>) -> Result<Report, CoordinatorError> {
        let state = self.shown(run)?.ok_or(CoordinatorError::NoRunEver)?;
        Ok(view::report(&state, self.clock.now()))
    }

    /// The records of one run from number `from`; of every run, and of the fleet, where `run` is None.
    pub fn events(&self, run: Option<&RunId>, from: u64) -> Result<Vec<Record>, CoordinatorError> {
        let mine = |r: &Record| run.is_none() || r.run.as_ref() == run;
        Ok(self.store.records(from)?.into_iter().filter(mine).collect())
    }

    /// None: the newest; there may be none at all.
    pub(crate) fn shown(&self, run: Option<&RunId>) -> Result<Option<Arc<RunState>>, CoordinatorError> {
        match run {
            None => Ok(self.store.newest()),
            Some(run) => {
                let unknown = || CoordinatorError::UnknownRun { run: run.clone() };
                self.store.run(run).map(Some).ok_or_else(unknown)
            }
        }
    }

    /// Seen ones, and those of the run that were not seen since this coordinator started: with the facts of the plan, marked as old.
    fn nodes(&self, state: Option<&RunState>) -> Vec<SeenNode> {
        let mut nodes = self.performer.agents.seen();
        if let Some(s) = state {
            let old = |n: &NodeEntry| {
                Some(SeenNode { facts: n.facts.clone()?, at: s.plan.made_at, connected: false })
            };
            let missing =
                s.plan.inventory.nodes.iter().filter(|n| !nodes.iter().any(|x| x.facts.node == n.name));
            let old: Vec<SeenNode> = missing.filter_map(old).collect();
            nodes.extend(old);
        }
        nodes.sort_by(|a, b| a.facts.node.cmp(&b.facts.node));
        nodes
    }
}
