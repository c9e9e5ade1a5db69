//! The workers of a run as the scheduler of batches sees them.

use super::approval;
use super::batch::ChosenBatch;
use super::state::RunState;
use crate::doors::NodeView;
use crate::inventory::NodeRole;
use crate::program::{CORDON_TAKEN, WORKERS};
use jiff::Timestamp;
use podlift_batches::{Job, Stage, Worker};
use podlift_model::NodeName;
use std::collections::{BTreeMap, BTreeSet};

/// Every worker of the run, with how far the run has come with it. One that the cluster does not show any more is down, and has the labels
/// that the plan saw.
pub(super) fn workers(state: &RunState, phase: usize, nodes: &[NodeView]) -> Vec<Worker> {
    let seen: BTreeMap<&NodeName, &NodeView> = nodes.iter().map(|view| (&view.name, view)).collect();
    let all = state.plan.inventory.of_role(NodeRole::Worker);
    all.map(|node| {
        let view = seen.get(&node.name).copied();
        Worker {
            node: node.name.clone(),
            stage: stage(state, phase, &node.name),
            unavailable: is_down(state, &node.name, view),
            labels: view.unwrap_or(&node.view).labels.clone(),
            category: category(state, &node.name),
            finished: finished(state, &node.name),
            failed: failed(state, &node.name),
        }
    })
    .collect()
}

/// The BCM category of a worker when the plan was made.
pub(super) fn category(state: &RunState, node: &NodeName) -> Option<String> {
    state.plan.bcm.as_ref()?.category(node).map(ToString::to_string)
}

/// When the lane of the worker ended well. Only the canary of a group counts from then, so that no policy without one pays for it.
fn finished(state: &RunState, node: &NodeName) -> Option<Timestamp> {
    let policy = state.plan.options.batches.as_ref()?;
    policy.groups.iter().any(|group| group.canary > 0).then(|| state.lane_time(node)?.finished()).flatten()
}

/// Whether the run goes on without the worker because its lane has failed. A cordon that was taken over is no failure.
fn failed(state: &RunState, node: &NodeName) -> bool {
    state.set_aside.get(node).is_some_and(|aside| aside.reason.code != CORDON_TAKEN)
}

/// Whether the worker takes a turn away without a lane at work.
fn is_down(state: &RunState, node: &NodeName, view: Option<&NodeView>) -> bool {
    view.is_none_or(|view| !view.ready || view.unschedulable) && !passed_by(state, node)
}

impl RunState {
    /// The workers that are unavailable although no lane of this phase is at work on them. The scheduler counts the same ones, so a lane that
    /// it has chosen finds room.
    pub fn down_workers(&self, phase: &str, nodes: &[NodeView]) -> Vec<&NodeName> {
        let phase = self.plan.phases.iter().position(|p| p.name == phase);
        let seen: BTreeMap<&NodeName, &NodeView> = nodes.iter().map(|view| (&view.name, view)).collect();
        let works = |node: &NodeName| phase.is_some_and(|phase| stage(self, phase, node) == Stage::AtWork);
        let all = self.plan.inventory.of_role(NodeRole::Worker).map(|n| &n.name);
        all.filter(|node| is_down(self, node, seen.get(node).copied()) && !works(node)).collect()
    }
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

/// How many lanes of the phase may be at work at present: one by one until the first workers are over, and no more than an approval covers.
pub(super) fn lanes_at_most(state: &RunState, phase: usize) -> u32 {
    u32::try_from(approval::at_once(state, phase)).unwrap_or(u32::MAX)
}

/// Number of batches of workers that have ended well: every lane is over, none was given up, and at least one node was upgraded.
pub(super) fn batches_done(state: &RunState) -> u32 {
    let of_workers = state.batches.iter().filter(|batch| batch.phase == WORKERS);
    let well = |batch: &&ChosenBatch| {
        state.is_batch_over(batch)
            && !batch.nodes.iter().any(|node| state.goes_without(node))
            && batch.nodes.iter().any(|node| state.is_upgraded(node))
    };
    of_workers.filter(well).count() as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doors::{ClusterReply, Reply};
    use crate::machine::tests::Tape;
    use crate::machine::{Event, apply, batch_due, choose};
    use crate::steps::{Assess, Cx};
    use crate::testing::{input, name};
    use jiff::Timestamp;
    use podlift_batches::Policy;
    use podlift_model::{RunId, StepId};

    const WORKERS: [&str; 4] = ["dgx030", "dgx031", "dgx032", "dgx033"];

    fn workers_due(most: u32) -> Tape {
        let mut i = input();
        (i.options.canary, i.options.max_unavailable) = (0, most);
        i.options.batches = Some(Policy::default());
        let mut tape = Tape::of(&i);
        while !batch_due(tape.state()) {
            let first = tape.todo()[0].clone();
            tape.complete(&first);
        }
        tape
    }

    /// What the cluster shows: a worker is up, not Ready, cordoned by a person, or gone.
    fn seen(state: &RunState, mut code: usize) -> Vec<NodeView> {
        let mut views: Vec<NodeView> = state.plan.inventory.nodes.iter().map(|n| n.view.clone()).collect();
        for worker in WORKERS {
            let kind = code % 4;
            code /= 4;
            let Some(at) = views.iter().position(|view| view.name == name(worker)) else { continue };
            match kind {
                0 => {}
                1 => views[at].ready = false,
                2 => views[at].unschedulable = true,
                _ => drop(views.remove(at)),
            }
        }
        views
    }

    /// What the cordon of the node says, with so many lanes ahead of it.
    fn cordon(state: &RunState, node: &NodeName, nodes: &[NodeView], ahead: usize) -> Option<Assess> {
        let step = state.spec(&StepId::new(format!("workers/{node}/cordon")).unwrap()).unwrap();
        let cx = Cx { state, step, ahead: ahead as u32, acted: false };
        let view = nodes.iter().find(|view| view.name == *node)?.clone();
        let replies = [ClusterReply::Node(view), ClusterReply::Nodes(nodes.to_vec())];
        Some(step.kind.step().assess(&cx, &Reply::All(replies.map(Reply::Cluster).to_vec())))
    }

    /// The scheduler and the cordon count the same nodes: a chosen lane finds room, and no other lane would.
    #[test]
    fn a_chosen_lane_finds_room_and_no_other() {
        let (mut chosen_lanes, mut others) = (0, 0);
        for most in 1..=3 {
            let tape = workers_due(most);
            for code in 0..256 {
                let nodes = seen(tape.state(), code);
                let event = choose(tape.state(), &nodes, &[], &[], Timestamp::UNIX_EPOCH).unwrap();
                let Event::BatchChosen { nodes: chosen, .. } = &event else { panic!("{event:?}") };
                let run = RunId::new("r1").unwrap();
                let state = apply(Some(tape.state().clone()), &run, Timestamp::UNIX_EPOCH, &event).unwrap();
                for (ahead, node) in chosen.iter().enumerate() {
                    let says = cordon(&state, node, &nodes, ahead);
                    assert!(!matches!(says, Some(Assess::Wait(_))), "{most} {code:o}: {node}: {says:?}");
                    chosen_lanes += 1;
                }
                let up = |v: &&NodeView| v.ready && !v.unschedulable && !v.control_plane;
                for view in nodes.iter().filter(up).filter(|view| !chosen.contains(&view.name)) {
                    let says = cordon(&state, &view.name, &nodes, chosen.len());
                    assert!(matches!(says, Some(Assess::Wait(_))), "{most} {code:o}: {says:?}");
                    others += 1;
                }
            }
        }
        assert!(chosen_lanes > 1000 && others > 500, "{chosen_lanes} {others}");
    }

    #[test]
    fn workers_have_the_category_that_the_plan_has_recorded() {
        let category = |group: serde_json::Value| {
            let mut i = input();
            crate::testing::bcm::with_images(&mut i);
            i.options.batches = serde_json::from_value(serde_json::json!({ "groups": [group] })).unwrap();
            let tape = Tape::of(&i);
            let phase = tape.state().plan.phases.iter().position(|phase| phase.name == "workers").unwrap();
            let all = workers(tape.state(), phase, &[]);
            all.into_iter().map(|worker| worker.category).collect::<BTreeSet<_>>()
        };
        let by_category = serde_json::json!({"name": "g", "category": "dgx-h100", "max-unavailable": 1});
        assert_eq!(category(by_category), [Some("dgx-h100".to_string())].into());
        let by_label = serde_json::json!({"name": "g", "selector": "rack=r1", "max-unavailable": 1});
        assert_eq!(category(by_label), [None].into());
    }
}
