//! Random fleets, driven to their end in random order: never more lanes than may be unavailable, every worker chosen once, no gang that
//! fits interrupted twice, and the same batches from a replay of the journal.

use super::tests::{Tape, failure};
use super::*;
use crate::doors::NodeView;
use crate::goals::PlanInput;
use crate::inventory::NodeRole;
use crate::survey::PodView;
use crate::testing::{facts, input, name, survey::pod};
use jiff::Timestamp;
use podlift_batches::Policy;
use proptest::prelude::*;
use std::collections::BTreeMap;

const WORKERS: usize = 12;

fn node(i: usize) -> String {
    format!("dgx{:03}", 30 + i)
}

fn fleet(max_unavailable: u32, grow: bool, pods: Vec<PodView>) -> PlanInput {
    let mut i = input();
    for n in 4..WORKERS {
        let mut entry = i.inventory.nodes.iter().find(|n| n.name == name("dgx033")).unwrap().clone();
        (entry.name, entry.view.name) = (name(&node(n)), name(&node(n)));
        entry.facts = Some(facts(&node(n), false));
        i.inventory.nodes.push(entry);
    }
    i.inventory.nodes.sort_by(|a, b| a.name.cmp(&b.name));
    i.options.batches = Some(Policy { grow, ..Policy::default() });
    (i.options.max_unavailable, i.options.max_failed) = (max_unavailable, Some("100%".parse().unwrap()));
    i.cluster_survey.as_mut().unwrap().pods = Ok(pods);
    i
}

/// Gangs of these sizes on the workers, one after another.
fn gangs(sizes: &[usize]) -> Vec<PodView> {
    let mut next = 0..WORKERS;
    let members = sizes
        .iter()
        .enumerate()
        .flat_map(|(g, size)| next.by_ref().take(*size).map(move |n| (g, n)).collect::<Vec<_>>());
    let member = |(g, n): (usize, usize)| PodView {
        gang: Some(format!("PodGroup/g{g}")),
        gpus: 8,
        started: Some(Timestamp::UNIX_EPOCH),
        ..pod("ml", &format!("g{g}-{n}"), &node(n), "Job/g")
    };
    members.map(member).collect()
}

/// Workers whose lanes of the phase have begun and are not over.
fn at_work(state: &RunState) -> usize {
    let workers = state.plan.inventory.of_role(NodeRole::Worker);
    let busy = |n: &&crate::inventory::NodeEntry| {
        let lane = || state.steps_of(&n.name).filter(|(spec, _)| spec.phase == "workers");
        lane().any(|(_, step)| step.is_done()) && lane().any(|(_, step)| !step.is_over())
    };
    workers.filter(busy).count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn every_worker_is_taken_once_and_no_gang_twice(
        most in 1u32..6,
        grow in any::<bool>(),
        sizes in prop::collection::vec(1usize..5, 0..6),
        fails in prop::collection::vec(any::<bool>(), WORKERS),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 40),
    ) {
        let pods = gangs(&sizes);
        let mut tape = Tape::of(&fleet(most, grow, pods.clone()));
        let nodes: Vec<NodeView> = tape.state().plan.inventory.nodes.iter().map(|n| n.view.clone()).collect();
        let mut turns = 0;
        while !matches!(next(tape.state()), Next::Succeed) {
            turns += 1;
            prop_assert!(turns < 2000, "{:?}", next(tape.state()));
            prop_assert!(at_work(tape.state()) <= most as usize);
            let now = Timestamp::from_second(tape.records.len() as i64).unwrap();
            if batch_due(tape.state()) && let Some(event) = choose(tape.state(), &nodes, &pods, &[], now) {
                tape.add(event).unwrap();
                continue;
            }
            match next(tape.state()) {
                Next::SetAside { node, step, reason } => {
                    tape.add(Event::NodeSetAside { node, step, reason: *reason }).unwrap();
                }
                Next::Drive(todo) => {
                    let at = picks[turns % picks.len()].index(todo.len());
                    let step = &todo[at].step;
                    let last = step.id.as_str().ends_with("/kubelet-restart") && step.phase == "workers";
                    let number: usize = step.node.as_ref().and_then(|n| n.as_str()[3..].parse().ok()).unwrap_or(30);
                    match last && number > 30 && fails[number - 30] {
                        true => tape.add(Event::StepFailed { step: step.id.clone(), reason: failure() }).unwrap(),
                        false => tape.complete(&step.id.clone()),
                    }
                }
                Next::Rest if !tape.state().undo_due.is_empty() => {
                    let node = tape.state().undo_due.first().unwrap().clone();
                    tape.add(Event::NodeUndone { node, undone: vec![], left: vec![] }).unwrap();
                }
                other => prop_assert!(false, "{other:?}"),
            }
        }
        let mut times: BTreeMap<&str, u32> = BTreeMap::new();
        tape.state().batches.iter().flat_map(|b| &b.nodes).for_each(|n| *times.entry(n.as_str()).or_default() += 1);
        prop_assert_eq!(times.len(), WORKERS);
        prop_assert!(times.values().all(|n| *n == 1), "{:?}", times);
        for (g, size) in sizes.iter().enumerate().filter(|(_, size)| **size <= most as usize) {
            let id = format!("ml/PodGroup/g{g}");
            let of = |b: &&ChosenBatch| b.phase == "workers" && b.interrupts.contains(&id);
            prop_assert!(tape.state().batches.iter().filter(of).count() <= 1, "gang {g} of {size} nodes");
        }
        prop_assert_eq!(&fold(&tape.records).unwrap().unwrap(), tape.state());
    }
}
