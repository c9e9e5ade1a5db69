//! The workers of a run as the scheduler of batches sees them.

use super::approval;
use super::batch::ChosenBatch;
use super::state::RunState;
use crate::doors::NodeView;
use crate::inventory::NodeRole;
use crate::program::WORKERS;
use podlift_batches::{Job, Stage, Worker};
use podlift_model::NodeName;
use std::collections::{BTreeMap, BTreeSet};

/// Every worker of the cluster, with how far the run has come with it.
pub(super) fn workers(state: &RunState, phase: usize, nodes: &[NodeView]) -> Vec<Worker> {
    let seen: BTreeMap<&NodeName, &NodeView> = nodes.iter().map(|view| (&view.name, view)).collect();
    let all = state.plan.inventory.of_role(NodeRole::Worker).map(|n| &n.name);
    all.map(|node| {
        let view = seen.get(node);
        Worker {
            node: node.clone(),
            stage: stage(state, phase, node),
            unavailable: !passed_by(state, node) && view.is_some_and(|v| !v.ready || v.unschedulable),
            labels: view.map(|v| v.labels.clone()).unwrap_or_default(),
        }
    })
    .collect()
}

/// A node without which the run goes on, or that waits at the end of the line because it is away, stops no others.
fn passed_by(state: &RunState, node: &NodeName) -> bool {
    state.goes_without(node) || state.is_away(node)
}

fn stage(state: &RunState, phase: usize, node: &NodeName) -> Stage {
    if passed_by(state, node) {
        return Stage::Out;
    }
    let Some(lane) = state.track.lane_at(phase, node) else {
        // A first worker has its lane in a phase of its own.
        let worked = state.steps_of(node).any(|(spec, _)| spec.kind.step().evicts());
        return if worked { Stage::Over } else { Stage::Out };
    };
    match () {
        () if state.track.current(&state.plan, &state.steps, lane).is_none() => Stage::Over,
        () if state.admitted.contains(&lane) || state.track.has_begun(phase, lane) => Stage::AtWork,
        () => Stage::ToCome,
    }
}

/// Jobs whose interruption an operator has approved, and that have not begun anew since.
pub(super) fn agreed(state: &RunState, jobs: &[Job]) -> BTreeSet<String> {
    let meant = |job: &&Job| {
        let said = state.agreed.get(&job.id);
        said.is_some_and(|at| job.since.is_none_or(|since| since <= *at))
    };
    jobs.iter().filter(meant).map(|job| job.id.clone()).collect()
}

/// How many workers may be unavailable together. Fewer lanes than that may be at work until the first workers are over, and no more than an
/// approval covers; nodes that are unavailable for other reasons take no turn from those.
pub(super) fn max_unavailable(state: &RunState, phase: usize, workers: &[Worker]) -> u32 {
    let away = workers.iter().filter(|w| w.unavailable && w.stage != Stage::AtWork).count();
    let lanes = approval::at_once(state, phase) + away;
    state.max_unavailable.min(u32::try_from(lanes).unwrap_or(u32::MAX))
}

/// Number of batches of workers that have ended well: every lane is over, and no node was set aside.
pub(super) fn batches_done(state: &RunState) -> u32 {
    let of_workers = state.batches.iter().filter(|batch| batch.phase == WORKERS);
    let well = |batch: &&ChosenBatch| {
        state.is_batch_over(batch) && !batch.nodes.iter().any(|node| state.set_aside.contains_key(node))
    };
    of_workers.filter(well).count() as u32
}
