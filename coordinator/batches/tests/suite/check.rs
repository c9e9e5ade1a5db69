//! What every batch must hold, computed independently of the scheduler.

use crate::fleet::Fleet;
use jiff::SignedDuration;
use podlift_batches::{Batch, Job, Stage, Take, Worker, groups_of, open_for_worker};
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
    assert!(batch.reasons.values().all(|why| !why.is_empty()));
    canaries(fleet, &nodes);
    groups(fleet, &nodes);
    shrinks(fleet, batch);
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
    let works = |w: &Worker| w.stage == Stage::AtWork || nodes.contains(&w.node);
    let down = |w: &Worker| w.unavailable && w.stage != Stage::AtWork;
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

/// What is wrong with how the batch takes gangs: a unit that fits is taken as a whole or not at all.
pub fn divided(fleet: &Fleet, batch: &Batch) -> Vec<String> {
    let nodes: Nodes = batch.nodes.iter().cloned().collect();
    let wrong = |unit: &Nodes| {
        let taken = unit.intersection(&nodes).count();
        taken != 0 && taken != unit.len() && fits(fleet, unit)
    };
    let units = units(fleet).into_iter().filter(wrong);
    units.map(|unit| format!("{unit:?} is divided by {nodes:?}")).collect()
}

/// A gang that the batch lets go on keeps enough pods on nodes that are not at work.
fn shrinks(fleet: &Fleet, batch: &Batch) {
    for id in &batch.shrinks {
        let job = fleet.jobs.iter().find(|job| job.id == *id).unwrap();
        let gone = [at_work(fleet), batch.nodes.clone()].concat();
        assert!(job.goes_on_without(&gone), "{id} has too few pods left without {gone:?}");
        assert!(job.nodes.keys().any(|node| batch.nodes.contains(node)), "{id} has no pod there");
        assert!(!batch.interrupts.contains(id));
    }
}

fn at_work(fleet: &Fleet) -> Vec<NodeName> {
    fleet.workers.iter().filter(|w| w.stage == Stage::AtWork).map(|w| w.node.clone()).collect()
}

/// Each node's windows are open for as long as a lane takes, and its group may go on after the nodes that have failed.
fn groups(fleet: &Fleet, nodes: &Nodes) {
    for worker in fleet.workers.iter().filter(|w| nodes.contains(&w.node)) {
        let (policy, category) = (&fleet.policy, worker.category.as_deref());
        let open = open_for_worker(policy, &worker.labels, category, fleet.now, fleet.lane_seconds);
        assert_eq!(open, Ok(()), "{} begins outside its window", worker.node);
        let Some(group) = policy.group_of(&worker.labels, category) else { continue };
        let mine = |w: &&Worker| policy.group_of(&w.labels, w.category.as_deref()) == Some(group);
        let failed = fleet.workers.iter().filter(mine).filter(|w| w.failed).count();
        let most = group.max_failed.map_or(usize::MAX, |most| most as usize);
        assert!(failed < most, "{failed} nodes of group {} have failed", group.name);
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

/// The nodes to come that gangs join: those of one gang, and of gangs that share a node. An elastic gang joins its nodes only if some that go
/// together have more of its pods than it can do without.
pub fn units(fleet: &Fleet) -> Vec<Nodes> {
    let mut elastic: Vec<&Job> = fleet.jobs.iter().filter(|job| spare(fleet, job).is_some()).collect();
    loop {
        let rigid = |job: &&Job| job.gang && !elastic.contains(job);
        let units = joined(fleet, &fleet.jobs.iter().filter(rigid).collect::<Vec<_>>());
        let too_many = |job: &&Job| {
            let pods = |nodes: &Nodes| -> u32 { nodes.iter().filter_map(|node| job.nodes.get(node)).sum() };
            let single = to_come(fleet).into_iter().map(|node| Nodes::from([node]));
            units.iter().cloned().chain(single).any(|unit| Some(pods(&unit)) > spare(fleet, job))
        };
        match elastic.iter().position(too_many) {
            Some(at) => drop(elastic.remove(at)),
            None => return units,
        }
    }
}

/// How many pods the gang can do without when all is well; `None` if it needs all of them.
fn spare(fleet: &Fleet, job: &Job) -> Option<u32> {
    let at = fleet.interrupted.get(&job.id);
    let lost = at.is_some_and(|at| job.since.is_some_and(|since| since < *at));
    let least = job.min_member.filter(|_| job.gang && !lost)?.max(1);
    let all: u32 = job.nodes.values().sum();
    let working = at_work(fleet);
    let wanted = if working.is_empty() { all } else { job.wanted.unwrap_or(0).max(all) };
    wanted.checked_sub(least).filter(|spare| *spare > 0)
}

fn to_come(fleet: &Fleet) -> Nodes {
    fleet.workers.iter().filter(|w| w.stage == Stage::ToCome).map(|w| w.node.clone()).collect()
}

fn joined(fleet: &Fleet, gangs: &[&Job]) -> Vec<Nodes> {
    let to_come = to_come(fleet);
    let mut units: Vec<Nodes> = vec![];
    for gang in gangs {
        let mut unit: Nodes = gang.nodes.keys().filter(|node| to_come.contains(*node)).cloned().collect();
        let (joined, apart) = units.into_iter().partition(|other| !other.is_disjoint(&unit));
        units = apart;
        unit.extend(<Vec<Nodes>>::into_iter(joined).flatten());
        units.push(unit);
    }
    units
}
