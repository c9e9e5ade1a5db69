//! The nodes that earlier runs have deferred, for a run that takes only them.

use super::{Earlier, PlanError};
use jiff::Timestamp;
use podlift_model::NodeName;

/// The deferred nodes whose time has come, or `all` of them.
pub fn resume(earlier: &Earlier, now: Timestamp, all: bool) -> Result<Vec<NodeName>, PlanError> {
    let later = |until: &Option<Timestamp>| until.filter(|until| *until > now && !all);
    let due = earlier.deferred.iter().filter(|(_, deferral)| later(&deferral.until).is_none());
    let nodes: Vec<NodeName> = due.map(|(node, _)| node.clone()).collect();
    if !nodes.is_empty() {
        return Ok(nodes);
    }
    let first = earlier.deferred.iter().filter_map(|(node, deferral)| Some((deferral.until?, node))).min();
    match first {
        Some((until, node)) => Err(PlanError::DeferredUntil { node: node.clone(), until }),
        None => Err(PlanError::NothingDeferred),
    }
}
