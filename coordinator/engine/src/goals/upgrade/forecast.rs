//! In which order the workers would go and which jobs that would cost, if the jobs stayed as they are. The run chooses each batch anew when
//! its time comes, so a program does not rest on this order (`program/hash.rs`).

use crate::inventory::{Inventory, NodeEntry, NodeRole};
use crate::jobs::{counts, loss};
use crate::machine::EXPECTED_SECONDS;
use crate::program::{BcmPlan, CANARY, JobRow, Phase, PlanOptions, PlannedBatch, WORKERS};
use jiff::Timestamp;
use podlift_batches::{Batch, Job, Scene, Stage, Worker, forecast};
use podlift_model::NodeName;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Default)]
pub(super) struct Foreseen {
    /// The first workers: those that lose least.
    pub first: Vec<NodeName>,
    /// The others in their order.
    pub others: Vec<NodeName>,
    canary: Option<PlannedBatch>,
    batches: Vec<PlannedBatch>,
    not_taken: BTreeMap<NodeName, String>,
    ends_in_seconds: u64,
    pub jobs: Vec<JobRow>,
}

/// The workers that are to be upgraded, in the order of the policy; `None` if the options have none.
pub(super) fn foresee(
    all: &Inventory,
    due: &[&NodeEntry],
    options: &PlanOptions,
    bcm: Option<&BcmPlan>,
    jobs: &[Job],
    now: Timestamp,
) -> Option<Foreseen> {
    let policy = options.batches.as_ref()?;
    let workers: Vec<&NodeEntry> = all.of_role(NodeRole::Worker).collect();
    let names: BTreeSet<&NodeName> = due.iter().map(|n| &n.name).collect();
    let away = workers.iter().filter(|n| is_unavailable(n, names.contains(&n.name))).count();
    let spent = away >= options.max_unavailable as usize;
    let first = first(due, &Costs { jobs, spent, now }, options.canary as usize);
    let canary = (!first.is_empty()).then(|| canary(&first, jobs, now));
    let interrupted: BTreeMap<String, Timestamp> =
        canary.iter().flat_map(|batch| &batch.interrupts).map(|job| (job.clone(), now)).collect();
    let workers = workers.iter().map(|n| {
        let stage = stage(n, &names, &first);
        // The first workers count for the canaries of their groups, as if they were over now.
        Worker { finished: (stage == Stage::Over).then_some(now), ..worker(n, stage, bcm) }
    });
    let workers: Vec<Worker> = workers.collect();
    let seen = forecast(&Scene {
        now,
        started: now,
        policy,
        max_unavailable: options.max_unavailable,
        lanes_at_most: options.max_unavailable,
        workers: &workers,
        jobs,
        interrupted: &interrupted,
        agreed: &BTreeSet::new(),
        lane_seconds: EXPECTED_SECONDS,
        batches_done: 0,
    });
    let planned = |p: podlift_batches::Planned| batch(p.batch, p.starts_in_seconds);
    let batches: Vec<PlannedBatch> = seen.batches.into_iter().map(planned).collect();
    let mut others: Vec<NodeName> = batches.iter().flat_map(|batch| batch.nodes.clone()).collect();
    let taken: BTreeSet<NodeName> = others.iter().chain(&first).cloned().collect();
    others.extend(names.iter().filter(|node| !taken.contains(**node)).map(|node| (*node).clone()));
    let rows = rows(canary.iter().chain(&batches), &names, jobs, now);
    let (not_taken, ends_in_seconds) = (seen.not_taken, seen.ends_in_seconds);
    Some(Foreseen { first, others, canary, batches, not_taken, ends_in_seconds, jobs: rows })
}

impl Foreseen {
    /// Writes the batches to the phases of the workers.
    pub fn put_into(self, phases: &mut [Phase]) -> Vec<JobRow> {
        for phase in phases {
            match phase.name.as_str() {
                CANARY => phase.batches.extend(self.canary.clone()),
                WORKERS => {
                    phase.batches.clone_from(&self.batches);
                    phase.not_taken.clone_from(&self.not_taken);
                    let whole = !self.batches.is_empty() && self.not_taken.is_empty();
                    phase.ends_in_seconds = Some(self.ends_in_seconds).filter(|_| whole);
                }
                _ => {}
            }
        }
        self.jobs
    }
}

fn stage(node: &NodeEntry, due: &BTreeSet<&NodeName>, first: &[NodeName]) -> Stage {
    match (due.contains(&node.name), first.contains(&node.name)) {
        (false, _) => Stage::Out,
        (true, true) => Stage::Over,
        (true, false) => Stage::ToCome,
    }
}

pub(super) fn worker(node: &NodeEntry, stage: Stage, bcm: Option<&BcmPlan>) -> Worker {
    Worker {
        node: node.name.clone(),
        stage,
        unavailable: stage != Stage::Over && is_unavailable(node, stage == Stage::ToCome),
        labels: node.view.labels.clone(),
        category: bcm.and_then(|bcm| bcm.category(&node.name)).map(ToString::to_string),
        finished: None,
        failed: false,
    }
}

/// Whether the worker takes a turn away until its own lane is over. The cordon that an ended run has left on a worker at the target is given
/// back before any worker goes; on one that is due, only its lane gives it back.
fn is_unavailable(node: &NodeEntry, due: bool) -> bool {
    let left = node.view.cordon_owner().is_some_and(|owner| owner.over);
    !node.view.ready || (node.view.unschedulable && (due || !left))
}

/// What a node costs if it goes next: a forbidden interruption, a node that is away (or has no room), GPU-seconds, evicted pods; then its
/// name.
type Cost<'a> = (bool, bool, u64, u32, &'a NodeName);

/// What the cost of a node depends on beside the node.
struct Costs<'a> {
    jobs: &'a [Job],
    /// As many workers are unavailable already as may be. A node that works finds no room, so only one of those can go first.
    spent: bool,
    now: Timestamp,
}

/// The workers that go first, one after another the one that costs least besides those before it.
fn first(due: &[&NodeEntry], costs: &Costs, number: usize) -> Vec<NodeName> {
    let mut of: BTreeMap<&NodeName, Vec<&Job>> = BTreeMap::new();
    costs
        .jobs
        .iter()
        .flat_map(|job| job.nodes.keys().map(move |n| (n, job)))
        .for_each(|(n, job)| of.entry(n).or_default().push(job));
    let mut out: Vec<NodeName> = vec![];
    while out.len() < number.min(due.len()) {
        let left = due.iter().copied().filter(|n| !out.contains(&n.name));
        let jobs = |n: &NodeEntry| of.get(&n.name).map_or(&[][..], Vec::as_slice);
        let Some(next) = left.min_by_key(|n| costs.of(n, jobs(n), &out)) else { break };
        out.push(next.name.clone());
    }
    out
}

impl Costs<'_> {
    fn of<'n>(&self, node: &'n NodeEntry, jobs: &[&Job], before: &[NodeName]) -> Cost<'n> {
        let with: Vec<NodeName> = before.iter().chain([&node.name]).cloned().collect();
        let more = |job: &&Job| loss(job, &with, self.now) - loss(job, before, self.now);
        let lost = jobs.iter().map(more).sum();
        let pods = jobs.iter().filter_map(|job| job.nodes.get(&node.name)).sum();
        let away = !node.view.ready || node.facts.is_none() || node.view.unschedulable;
        let unwanted = if self.spent { !is_unavailable(node, true) } else { away };
        (jobs.iter().any(|job| job.never.is_some()), unwanted, lost, pods, &node.name)
    }
}

fn canary(first: &[NodeName], jobs: &[Job], now: Timestamp) -> PlannedBatch {
    let hit = |job: &&Job| counts(job) && first.iter().any(|node| job.nodes.contains_key(node));
    let hit: Vec<&Job> = jobs.iter().filter(hit).collect();
    PlannedBatch {
        nodes: first.to_vec(),
        why: "the first workers: those that lose least".into(),
        interrupts: hit.iter().map(|job| job.id.clone()).collect(),
        gpu_seconds: hit.iter().map(|job| loss(job, first, now)).sum(),
        starts_in_seconds: 0,
    }
}

fn batch(batch: Batch, starts_in_seconds: u64) -> PlannedBatch {
    let Batch { nodes, why, interrupts, gpu_seconds, .. } = batch;
    PlannedBatch { nodes, why, interrupts, gpu_seconds, starts_in_seconds }
}

/// The jobs of these batches, the most costly first.
fn rows<'a>(
    batches: impl Iterator<Item = &'a PlannedBatch>,
    due: &BTreeSet<&NodeName>,
    jobs: &[Job],
    now: Timestamp,
) -> Vec<JobRow> {
    let mut times: BTreeMap<&str, u32> = BTreeMap::new();
    batches.flat_map(|batch| &batch.interrupts).for_each(|job| *times.entry(job).or_default() += 1);
    let row = |job: &Job| {
        let times = *times.get(job.id.as_str())?;
        let nodes: Vec<NodeName> = job.nodes.keys().filter(|node| due.contains(node)).cloned().collect();
        let gpu_hours_at_risk = loss(job, &nodes, now) as f64 / 3600.0;
        Some(JobRow { id: job.id.clone(), nodes, gpus: job.gpus, gpu_hours_at_risk, times })
    };
    let mut out: Vec<JobRow> = jobs.iter().filter_map(row).collect();
    out.sort_by(|a, b| b.gpu_hours_at_risk.total_cmp(&a.gpu_hours_at_risk).then_with(|| a.id.cmp(&b.id)));
    out
}
