//! What a validation compares with, from the journal: the open run, else the newest that succeeded.

use crate::store::Store;
use jiff::{SignedDuration, Timestamp};
use podlift_engine::machine::{RunState, RunStatus};
use podlift_engine::program::Recorded;
use podlift_model::survey::Seen;
use podlift_model::{KubeVersion, NodeName, RunId};
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) struct Context {
    pub run: Option<RunId>,
    /// The version that the run leads to.
    pub version: Option<KubeVersion>,
    /// Nodes without which the run goes on, each with the reason.
    pub without: BTreeMap<NodeName, String>,
    pub before: Seen<Recorded>,
    pub since: Timestamp,
}

/// Events of this time count where no run has begun since.
const HOUR: SignedDuration = SignedDuration::from_hours(1);

impl Context {
    pub fn of(store: &Store, now: Timestamp) -> Self {
        let states: Vec<Arc<RunState>> = store.runs().iter().filter_map(|run| store.run(run)).collect();
        let open = states.iter().find(|s| !s.is_over());
        let good = states.iter().filter(|s| matches!(s.status, RunStatus::Succeeded));
        let Some(state) = open.or_else(|| good.max_by_key(|s| (s.ended, s.started))) else {
            let why = "no run has recorded the cluster: an upgrade records it before it changes anything";
            return Self {
                run: None,
                version: None,
                without: BTreeMap::new(),
                before: Err(why.into()),
                since: now - HOUR,
            };
        };
        let mut without = state.deferred.clone();
        without
            .extend(state.set_aside.iter().map(|(node, aside)| (node.clone(), aside.reason.message.clone())));
        // Events of a run that ended long ago are gone; those of the last hour are there.
        let since = if state.is_over() { now - HOUR } else { state.started };
        Self {
            run: Some(state.run.clone()),
            version: Some(state.plan.to()),
            without,
            before: Ok(state.plan.recorded.clone()),
            since,
        }
    }
}
