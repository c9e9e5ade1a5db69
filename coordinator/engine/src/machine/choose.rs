//! The next batch of lanes, from the run and from what the cluster shows now. The decision is an event like any other, so a replay of the
//! journal gives the same batches without looking at the cluster.

use super::admission::{due, room, to_come};
use super::approval;
use super::batch::BatchJob;
use super::event::Event;
use super::lengths::usual_seconds;
use super::scene;
use super::state::RunState;
use crate::analysis::jobs::{counts, jobs, loss};
use crate::doors::NodeView;
use crate::program::StopReason;
use crate::survey::PodView;
use jiff::Timestamp;
use podlift_batches::{Batch, Decision, Job, Scene, decide, open};
use podlift_model::NodeName;
use std::collections::BTreeMap;

/// The author of a deferral that the site's policy decides.
const POLICY: &str = "policy";

/// The event by which the run goes on; `None` if there is nothing to record now.
pub fn choose(state: &RunState, nodes: &[NodeView], pods: &[PodView], now: Timestamp) -> Option<Event> {
    let phase = due(state)?;
    let jobs = jobs(pods);
    match state.plan.phases[phase].follows_max_unavailable() {
        true => workers(state, phase, nodes, &jobs, now),
        false => in_order(state, phase, &jobs, now),
    }
}

/// The next lanes of the plan, once a window is open.
fn in_order(state: &RunState, phase: usize, jobs: &[Job], now: Timestamp) -> Option<Event> {
    let policy = state.plan.options.batches.as_ref()?;
    if let Err(until) = open(policy, now) {
        return waits(state, "no window is open".into(), until);
    }
    let next: Vec<Option<&NodeName>> = to_come(state, phase).take(room(state, phase)).collect();
    let nodes: Vec<NodeName> = next.into_iter().flatten().cloned().collect();
    let here = |job: &&Job| counts(job) && nodes.iter().any(|node| job.nodes.contains_key(node));
    let hit: Vec<&Job> = jobs.iter().filter(here).collect();
    let batch = Batch {
        why: format!("next in the order of the plan ({})", state.plan.phases[phase].title),
        reasons: BTreeMap::new(),
        interrupts: hit.iter().map(|job| job.id.clone()).collect(),
        gpu_seconds: hit.iter().map(|job| loss(job, &nodes, now)).sum(),
        nodes,
    };
    Some(chosen(state, phase, batch, jobs, now))
}

fn workers(
    state: &RunState,
    phase: usize,
    nodes: &[NodeView],
    jobs: &[Job],
    now: Timestamp,
) -> Option<Event> {
    let policy = state.plan.options.batches.as_ref()?;
    let workers = scene::workers(state, phase, nodes);
    let scene = Scene {
        now,
        started: state.choosing_since.unwrap_or(now),
        policy,
        max_unavailable: scene::max_unavailable(state, phase, &workers),
        workers: &workers,
        jobs,
        interrupted: &state.interrupted,
        agreed: &state.agreed,
        lane_seconds: usual_seconds(state),
        batches_done: scene::batches_done(state),
    };
    match decide(&scene) {
        Decision::Take(batch) => Some(chosen(state, phase, batch, jobs, now)),
        Decision::Wait { why, until } => waits(state, why, until),
        Decision::Ask { why, jobs } => Some(ask(&why, &jobs)),
        Decision::Leave { node, why } => {
            Some(Event::NodeDeferred { node, reason: why, by: POLICY.into(), until: None })
        }
        Decision::Nothing => None,
    }
}

fn chosen(state: &RunState, phase: usize, batch: Batch, jobs: &[Job], now: Timestamp) -> Event {
    let Batch { nodes, why, reasons, interrupts, gpu_seconds } = batch;
    let hit = jobs.iter().filter(|job| interrupts.contains(&job.id)).map(|job| BatchJob {
        id: job.id.clone(),
        nodes: nodes.iter().filter(|node| job.nodes.contains_key(*node)).cloned().collect(),
        gpu_seconds: loss(job, &nodes, now),
    });
    let (number, jobs) = (state.batches.len() as u32 + 1, hit.collect());
    let phase = state.plan.phases[phase].name.clone();
    Event::BatchChosen { number, phase, nodes, why, reasons, interrupts, gpu_seconds, jobs }
}

/// Only a new reason is recorded.
fn waits(state: &RunState, why: String, until: Option<Timestamp>) -> Option<Event> {
    let known = state.batch_waits.as_ref().is_some_and(|wait| wait.why == why && wait.until == until);
    (!known).then_some(Event::BatchWaits { why, until })
}

/// The pause that asks for the jobs; the ids are in its detail, one a line, and the approval agrees to them.
fn ask(why: &str, jobs: &[String]) -> Event {
    let reason = StopReason {
        code: approval::CODE.into(),
        message: format!(
            "{why}; podlift approve lets the run interrupt {}, podlift defer NODE leaves a node out",
            jobs.join(", ")
        ),
        detail: jobs.join("\n"),
        undone: String::new(),
        next: "podlift approve".into(),
    };
    Event::RunPaused { reason, by: None, now: false }
}
