//! What the sentinel compares with: the record of the open run from its sealed backup on, else that of the newest run that succeeded.

use super::keeper::Name;
use super::settings::Mode;
use crate::store::Store;
use podlift_engine::machine::{RunState, RunStatus};
use podlift_engine::program::Recorded;
use podlift_model::RunId;
use std::collections::BTreeSet;
use std::sync::Arc;

#[derive(Clone)]
pub(super) struct Baseline {
    state: Arc<RunState>,
    /// The run is open.
    pub open: bool,
}

impl Baseline {
    /// `None` if nothing is to be kept: no run has sealed a backup, or the mode is off and no run is open.
    pub fn of(store: &Store, mode: Mode) -> Option<Self> {
        let states: Vec<Arc<RunState>> = store.runs().iter().filter_map(|run| store.run(run)).collect();
        if let Some(state) = states.iter().find(|s| !s.is_over()) {
            // Before its backup is sealed a run has no record to hold on to, and an older one would be wrong about this evening.
            return state.seal.is_some().then(|| Self { state: state.clone(), open: true });
        }
        if mode == Mode::Off {
            return None;
        }
        let good = states.into_iter().filter(|s| matches!(s.status, RunStatus::Succeeded));
        let newest = good.max_by_key(|s| (s.ended, s.started))?;
        Some(Self { state: newest, open: false })
    }

    /// Two baselines of the same run and in the same condition watch the same objects.
    pub fn key(&self) -> (RunId, bool) {
        (self.state.run.clone(), self.open)
    }

    pub fn state(&self) -> &RunState {
        &self.state
    }

    /// The run in whose records the events belong.
    pub fn run(&self) -> Option<&RunId> {
        self.open.then_some(&self.state.run)
    }

    pub fn recorded(&self) -> &Recorded {
        &self.state.plan.recorded
    }

    pub fn services(&self) -> BTreeSet<Name> {
        let all = self.recorded().load_balancers.as_deref().unwrap_or_default();
        all.iter().map(|s| (s.namespace.clone(), s.name.clone())).collect()
    }

    /// The addresses that a service had.
    pub fn addresses(&self, namespace: &str, name: &str) -> Vec<String> {
        let all = self.recorded().load_balancers.as_deref().unwrap_or_default();
        let found = all.iter().find(|s| s.namespace == namespace && s.name == name);
        found.map(|s| s.addresses.clone()).unwrap_or_default()
    }
}
