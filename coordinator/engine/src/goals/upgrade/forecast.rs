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
    let first = first(due, jobs, options.canary as usize, now);
    let canary = (!first.is_empty()).then(|| canary(&first, jobs, now));
    let interrupted: BTreeMap<String, Timestamp> =
        canary.iter().flat_map(|batch| &batch.interrupts).map(|job| (job.clone(), now)).collect();
    let names: BTreeSet<&NodeName> = due.iter().map(|n| &n.name).collect();
    let workers = all.of_role(NodeRole::Worker).map(|n| {
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
    let left = node.view.cordon_owner().is_some_and(|owner| owner.over);
    // A cordon that an ended run has left is taken over and given back.
    let unavailable = !node.view.ready || (node.view.unschedulable && !left);
    Worker {
        node: node.name.clone(),
        stage,
        unavailable,
        labels: node.view.labels.clone(),
        category: bcm.and_then(|bcm| bcm.category(&node.name)).map(ToString::to_string),
        finished: None,
        failed: false,
    }
}

/// What a node costs if it goes next: a forbidden interruption, unavailable nodes, GPU-seconds, evicted pods; then its name.
type Cost<'a> = (bool, bool, u64, u32, &'a NodeName);

/// The workers that go first, one after another the one that costs least besides those before it.
fn first(due: &[&NodeEntry], jobs: &[Job], number: usize, now: Timestamp) -> Vec<NodeName> {
    let mut of: BTreeMap<&NodeName, Vec<&Job>> = BTreeMap::new();
    jobs.iter()
        .flat_map(|job| job.nodes.keys().map(move |n| (n, job)))
        .for_each(|(n, job)| of.entry(n).or_default().push(job));
    let mut out: Vec<NodeName> = vec![];
    while out.len() < number.min(due.len()) {
        let left = due.iter().filter(|n| !out.contains(&n.name));
        let Some(next) = left.min_by_key(|n| cost(n, of.get(&n.name).map_or(&[], Vec::as_slice), &out, now))
        else {
            break;
        };
        out.push(next.name.clone());
    }
    out
}

fn cost<'a>(node: &'a NodeEntry, jobs: &[&Job], before: &[NodeName], now: Timestamp) -> Cost<'a> {
    let with: Vec<NodeName> = before.iter().chain([&node.name]).cloned().collect();
    let more = |job: &&Job| loss(job, &with, now) - loss(job, before, now);
    let lost = jobs.iter().map(more).sum();
    let pods = jobs.iter().filter_map(|job| job.nodes.get(&node.name)).sum();
    let unavailable = !node.view.ready || node.facts.is_none() || node.view.unschedulable;
    (jobs.iter().any(|job| job.never.is_some()), unavailable, lost, pods, &node.name)
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
