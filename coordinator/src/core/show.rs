//! Status, one node, all runs and report: folds of the journal, joined with the latest reports of agents.

use super::history::History;
use super::{Coordinator, CoordinatorError, STALE};
use crate::journal::Query;
use podlift_engine::inventory::NodeEntry;
use podlift_engine::machine::{RunState, RunStatus};
use podlift_engine::view::{self, HealAsk, NodeDetail, Report, SeenNode, Selector, Status};
use podlift_model::{NodeName, RunId};
use std::collections::BTreeSet;
use std::sync::Arc;

impl Coordinator {
    /// The status of one run; of the newest if `run` is `None`.
    pub fn status(&self, run: Option<&RunId>) -> Result<Status, CoordinatorError> {
        let state = self.shown(run)?;
        let now = self.clock.now();
        let nodes = self.nodes(state.as_deref());
        let stale = self.settings.stale_after.unwrap_or(STALE).as_secs();
        let mut status = view::status(&self.cluster_name, now, state.as_deref(), &nodes, stale);
        status.epoch = self.fence.epoch();
        status.read_only = self.fence.read_only();
        status.sentinel = Some(self.sentinel()).filter(|s| s.mode != "off" || !s.seen.is_empty());
        // During an abort every line is about an undo, whatever the steps of the node have reached.
        let undoing = state.is_some_and(|s| matches!(s.status, RunStatus::Aborting { .. }));
        for row in status.nodes.iter_mut() {
            match self.performer.lines.of(&row.name) {
                Some(line) if undoing => (row.state, row.reason) = ("waiting".into(), Some(line)),
                Some(line) if row.state == "working" && row.reason.is_none() => row.reason = Some(line),
                _ => {}
            }
        }
        Ok(status)
    }

    /// Like `status`, with only the rows that the selector matches.
    pub fn selected(&self, run: Option<&RunId>, text: &str) -> Result<Status, CoordinatorError> {
        let bad = |source| CoordinatorError::BadSelector { text: text.into(), source };
        let selector: Selector = text.parse().map_err(bad)?;
        let mut status = self.status(run)?;
        view::select(&mut status, self.shown(run)?.as_deref(), &selector, text);
        Ok(status)
    }

    /// Everything about one node, with its last `events` events.
    pub fn node(
        &self,
        run: Option<&RunId>,
        name: &NodeName,
        events: usize,
    ) -> Result<NodeDetail, CoordinatorError> {
        let state = self.shown(run)?;
        let status = self.status(run)?;
        let seen = self.nodes(state.as_deref()).into_iter().find(|n| n.facts.node == *name);
        let row = status.nodes.iter().find(|r| r.name == *name).cloned();
        let (Some(seen), Some(row)) = (seen, row) else { return Err(unknown(name, &status)) };
        let about = [Some(name.to_string()), seen.facts.advertise.clone()].into_iter().flatten();
        let history = History(&self.store);
        let around = view::node::Around {
            epoch: self.performer.agents.epoch(name),
            connected_since: self.performer.agents.connected_since(name),
            events: history.last_records(Query::default().about(about), events)?,
            heals: history.heals_of(name)?,
        };
        Ok(view::node(&self.cluster_name, self.clock.now(), state.as_deref(), (&seen, row), around))
    }

    /// The state of the agents' heal, and the last heals of the journal.
    pub fn heal(&self, ask: &HealAsk) -> Result<view::Heal, CoordinatorError> {
        let nodes = self.nodes(self.store.newest().as_deref());
        if let Some(name) = ask.node.as_ref().filter(|name| !nodes.iter().any(|n| n.facts.node == **name)) {
            return Err(unknown(name, &self.status(None)?));
        }
        let history = History(&self.store).heal_history(ask)?;
        let stale = self.settings.stale_after.unwrap_or(STALE).as_secs();
        Ok(view::heal(&self.cluster_name, self.clock.now(), &nodes, history, ask, stale))
    }

    /// Every run of the journal, newest first.
    pub fn runs(&self) -> view::Runs {
        let states: Vec<Arc<RunState>> =
            self.store.runs().iter().filter_map(|run| self.store.run(run)).collect();
        let archived = self.store.all_archived().into_values();
        let archived = archived.map(|a| view::ArchivedRow { run: a.run, file: a.file }).collect();
        view::runs(&self.cluster_name, self.clock.now(), states.iter().map(Arc::as_ref), archived)
    }

    pub fn report(&self, run: Option<&RunId>) -> Result<Report, CoordinatorError> {
        let state = self.shown(run)?.ok_or(CoordinatorError::NoRunEver)?;
        Ok(view::report(&state, self.clock.now()))
    }

    /// `None` means the newest run, of which there may be none.
    pub(crate) fn shown(&self, run: Option<&RunId>) -> Result<Option<Arc<RunState>>, CoordinatorError> {
        match run {
            None => Ok(self.store.newest()),
            Some(run) => self.store.run(run).map(Some).ok_or_else(|| self.no_such_run(run)),
        }
    }

    /// The error for a run that is not in the journal, or is in an archive.
    pub(super) fn no_such_run(&self, run: &RunId) -> CoordinatorError {
        match self.store.archived(run) {
            Some(archived) => CoordinatorError::RunArchived { run: run.clone(), file: archived.file },
            None => CoordinatorError::UnknownRun { run: run.clone() },
        }
    }

    /// The nodes seen since this coordinator started, and the other nodes of the run with the facts of the plan, marked as stale.
    fn nodes(&self, state: Option<&RunState>) -> Vec<SeenNode> {
        let mut nodes = self.performer.agents.seen();
        if let Some(s) = state {
            let seen: BTreeSet<NodeName> = nodes.iter().map(|n| n.facts.node.clone()).collect();
            let old = |n: &NodeEntry| {
                Some(SeenNode { facts: n.facts.clone()?.into(), at: s.plan.made_at, connected: false })
            };
            let missing = s.plan.inventory.nodes.iter().filter(|n| !seen.contains(&n.name));
            nodes.extend(missing.filter_map(old));
        }
        nodes.sort_by(|a, b| a.facts.node.cmp(&b.facts.node));
        nodes
    }
}

fn unknown(node: &NodeName, status: &Status) -> CoordinatorError {
    let known = status.nodes.iter().map(|n| n.name.as_str());
    let near = view::node::nearest(node.as_str(), known).into_iter().map(String::from).collect();
    CoordinatorError::UnknownNode { node: node.clone(), near, known: status.nodes.len() }
}
