//! How close the batches come to the schedule of a planner that knows the length of every lane.

use crate::fleet::{Fleet, name};
use crate::play::Chance;
use jiff::SignedDuration;
use podlift_batches::{Decision, Stage};
use podlift_model::NodeName;
use std::collections::{BTreeMap, BTreeSet};

const LIMIT: usize = 50;
/// Sizes of the gangs, which have half of the nodes.
const SIZES: [usize; 8] = [1, 4, 2, 8, 1, 16, 2, 32];
/// Seconds of a lane: between 270 and 630.
const SHORTEST: u64 = 270;

fn node(at: usize) -> String {
    format!("n{at:03}")
}

/// 500 workers, half of them idle, the others with gangs that are as old as each other.
fn fleet() -> (Fleet, Vec<Vec<NodeName>>) {
    let names: Vec<String> = (0..500).map(node).collect();
    let mut fleet = Fleet::new(LIMIT as u32, &names.iter().map(String::as_str).collect::<Vec<_>>());
    let mut busy = (0..500).step_by(2).map(node);
    let mut gangs = vec![];
    for (at, size) in SIZES.iter().cycle().enumerate() {
        let nodes: Vec<String> = busy.by_ref().take(*size).collect();
        if nodes.is_empty() {
            break;
        }
        let nodes: Vec<&str> = nodes.iter().map(String::as_str).collect();
        fleet = fleet.gang(&format!("ns/MPIJob/{at:03}"), &nodes, 3);
        gangs.push(nodes.iter().map(|node| name(node)).collect());
    }
    (fleet, gangs)
}

fn lengths(fleet: &Fleet, seed: u64) -> BTreeMap<NodeName, u64> {
    let mut chance = Chance(seed);
    let mut length = || (0..4).map(|_| chance.below(91)).sum::<u64>();
    fleet.workers.iter().map(|worker| (worker.node.clone(), SHORTEST + length())).collect()
}

/// Seconds from the first lane to the last one, in the scheduler's batches.
fn played(mut fleet: Fleet, lengths: &BTreeMap<NodeName, u64>) -> u64 {
    let (mut now, mut lanes): (u64, BTreeSet<(u64, NodeName)>) = (0, BTreeSet::new());
    loop {
        while let Decision::Take(batch) = fleet.decide() {
            for node in &batch.nodes {
                fleet.worker(node.as_str()).stage = Stage::AtWork;
                lanes.insert((now + lengths[node], node.clone()));
            }
            fleet.jobs.retain(|job| !batch.interrupts.contains(&job.id));
        }
        let Some((end, node)) = lanes.pop_first() else { return now };
        fleet.now += SignedDuration::from_secs((end - now) as i64);
        fleet.worker(node.as_str()).stage = Stage::Over;
        now = end;
    }
}

/// The same of a planner that begins with the largest gangs and the longest lanes.
fn ideal(gangs: &[Vec<NodeName>], lengths: &BTreeMap<NodeName, u64>) -> u64 {
    let all: BTreeSet<&NodeName> = gangs.iter().flatten().collect();
    let single = lengths.keys().filter(|node| !all.contains(node)).map(|node| vec![node.clone()]);
    let mut units: Vec<Vec<NodeName>> = gangs.iter().cloned().chain(single).collect();
    units.sort_by_key(|unit| std::cmp::Reverse((unit.len(), unit.iter().map(|node| lengths[node]).max())));
    let (mut now, mut ends): (u64, Vec<u64>) = (0, vec![]);
    loop {
        units.retain(|unit| {
            let fits = ends.len() + unit.len() <= LIMIT;
            ends.extend(unit.iter().filter(|_| fits).map(|node| now + lengths[node]));
            !fits
        });
        let Some(first) = ends.iter().copied().min() else { return now };
        now = first;
        ends.retain(|end| *end > now);
    }
}

#[test]
fn the_batches_take_at_most_a_thirtieth_longer_than_the_ideal() {
    let (fleet, gangs) = fleet();
    let (mut all, mut best) = (0, 0);
    for seed in 0..8 {
        let lengths = lengths(&fleet, seed);
        let (played, ideal) = (played(fleet.clone(), &lengths), ideal(&gangs, &lengths));
        (all, best) = (all + played, best + ideal);
    }
    assert!(all * 30 <= best * 31, "{all} s, the ideal schedules {best} s");
}
