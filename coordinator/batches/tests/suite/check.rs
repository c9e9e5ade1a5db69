//! What every batch must hold, computed independently of the scheduler.

use crate::fleet::Fleet;
use jiff::SignedDuration;
use podlift_batches::{Batch, Stage, Take, groups_of};
use podlift_model::NodeName;
use std::collections::{BTreeMap, BTreeSet};

type Nodes = BTreeSet<NodeName>;

/// Panics if the batch breaks a rule in this fleet.
pub fn check(fleet: &Fleet, batch: &Batch) {
    let nodes: Nodes = batch.nodes.iter().cloned().collect();
    let stage = |node: &NodeName| fleet.workers.iter().find(|w| w.node == *node).map(|w| w.stage);
    assert!(!nodes.is_empty() && nodes.len() == batch.nodes.len(), "empty or doubled");
    assert!(nodes.iter().all(|node| stage(node) == Some(Stage::ToCome)));
    assert!(batch.reasons.keys().eq(nodes.iter()) && !batch.why.is_empty());
    room(fleet, &nodes);
    canaries(fleet, &nodes);
    gangs(fleet, &nodes);
}

fn room(fleet: &Fleet, nodes: &Nodes) {
    let work = fleet.workers.iter().filter(|w| w.stage == Stage::AtWork).count();
    let alone = work == 0 && units(fleet).iter().any(|unit| unit.is_superset(nodes));
    assert!(alone || work + nodes.len() <= fleet.lanes as usize, "more lanes than may be at work at present");
    let all: Nodes = fleet.workers.iter().map(|w| w.node.clone()).collect();
    share(fleet, nodes, &all, fleet.max as usize);
    for group in groups_of(&fleet.policy, &fleet.workers) {
        share(fleet, nodes, &group.nodes.into_iter().collect(), group.max_unavailable);
    }
    for domain in apart(fleet) {
        share(fleet, nodes, &domain, 1);
    }
}

/// Nodes of a group begin beside its canary only as a part of it, and others when it has been finished for as long as the policy says.
fn canaries(fleet: &Fleet, nodes: &Nodes) {
    for (group, rule) in groups_of(&fleet.policy, &fleet.workers).iter().zip(&fleet.policy.groups) {
        let mine = || fleet.workers.iter().filter(|w| group.nodes.contains(&w.node));
        let new: Nodes = nodes.iter().filter(|node| group.nodes.contains(node)).cloned().collect();
        let soak = SignedDuration::from_secs(rule.canary_soak_seconds as i64);
        let soaked = mine().filter(|w| w.finished.is_some_and(|end| end + soak <= fleet.now)).count();
        if new.is_empty() || soaked >= rule.canary as usize {
            continue;
        }
        let finished = mine().filter(|w| w.finished.is_some()).count();
        let work = mine().filter(|w| w.stage == Stage::AtWork).count();
        assert!(finished < rule.canary as usize, "group {} soaks", group.name);
        assert!(!mine().any(|w| w.failed), "the canary of group {} has failed", group.name);
        let alone = work == 0 && units(fleet).iter().any(|unit| unit.is_superset(&new));
        assert!(alone || finished + work + new.len() <= rule.canary as usize, "{new:?} is no canary");
    }
}

/// Of these nodes, not more than the limit are unavailable because of the batch.
fn share(fleet: &Fleet, nodes: &Nodes, of: &Nodes, limit: usize) {
    let mine = || fleet.workers.iter().filter(|w| of.contains(&w.node));
    let works = |w: &podlift_batches::Worker| w.stage == Stage::AtWork || nodes.contains(&w.node);
    let down = |w: &podlift_batches::Worker| w.unavailable && w.stage != Stage::AtWork;
    let new = mine().filter(|w| nodes.contains(&w.node) && !down(w)).count();
    let work = mine().filter(|w| works(w)).count();
    let unavailable = mine().filter(|w| works(w) || down(w)).count();
    let any = mine().any(|w| nodes.contains(&w.node));
    assert!(!any || work <= limit, "{work} at work of at most {limit}");
    assert!(new == 0 || unavailable <= limit, "{unavailable} unavailable of at most {limit}");
}

/// The domains of which never two nodes may be unavailable.
fn apart(fleet: &Fleet) -> Vec<Nodes> {
    let Some(topology) = fleet.policy.topology.as_ref().filter(|t| t.take == Take::OneOfEach) else {
        return vec![];
    };
    let mut domains: BTreeMap<&str, Nodes> = BTreeMap::new();
    for worker in &fleet.workers {
        if let Some(value) = worker.labels.get(&topology.label) {
            domains.entry(value).or_default().insert(worker.node.clone());
        }
    }
    domains.into_values().collect()
}

/// A unit that fits is taken as a whole or not at all; so is a gang of a unit that does not fit, if nothing was taken of it before.
fn gangs(fleet: &Fleet, nodes: &Nodes) {
    for unit in units(fleet) {
        let taken = unit.intersection(nodes).count();
        assert!(taken == 0 || taken == unit.len() || !fits(fleet, &unit), "{unit:?} is divided by {nodes:?}");
    }
}

/// Whether the nodes may be unavailable together at all.
pub fn fits(fleet: &Fleet, unit: &Nodes) -> bool {
    let groups = groups_of(&fleet.policy, &fleet.workers);
    let part = |nodes: &[NodeName]| nodes.iter().filter(|node| unit.contains(node)).count();
    unit.len() <= fleet.max as usize
        && groups.iter().all(|group| part(&group.nodes) <= group.max_unavailable)
        && apart(fleet).iter().all(|domain| domain.intersection(unit).count() <= 1)
}

/// The nodes to come that gangs join: those of one gang, and of gangs that share a node.
pub fn units(fleet: &Fleet) -> Vec<Nodes> {
    let to_come =
        |node: &&NodeName| fleet.workers.iter().any(|w| w.node == **node && w.stage == Stage::ToCome);
    let mut units: Vec<Nodes> = vec![];
    for gang in fleet.jobs.iter().filter(|job| job.gang) {
        let mut unit: Nodes = gang.nodes.keys().filter(to_come).cloned().collect();
        let (joined, apart) = units.into_iter().partition(|other| !other.is_disjoint(&unit));
        units = apart;
        unit.extend(<Vec<Nodes>>::into_iter(joined).flatten());
        units.push(unit);
    }
    units
}
