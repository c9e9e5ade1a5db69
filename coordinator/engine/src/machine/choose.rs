//! The next batch of lanes, from the run and from what the cluster shows now. The decision is an event like any other, so a replay of the
//! journal gives the same batches without looking at the cluster.

use super::admission::{self, due, room, workers_since};
use super::approval;
use super::batch::BatchJob;
use super::event::Event;
use super::leave;
use super::lengths::usual_seconds;
use super::returning;
use super::scene;
use super::state::RunState;
use super::windows::{Closed, Lanes, closed, lane_seconds};
use crate::doors::NodeView;
use crate::inventory::NodeRole;
use crate::jobs::{counts, jobs, loss, unless_waived};
use crate::listed::listed;
use crate::program::{CANARY, NEVER_INTERRUPT, StopReason, WORKERS};
use crate::survey::{GangView, PodView};
use jiff::{SignedDuration, Timestamp};
use podlift_batches::{Batch, Decision, Job, Scene, Stage, Worker, decide};
use podlift_model::NodeName;
use std::collections::BTreeMap;

/// Code of the pause when no window of the policy is long enough any more.
const NO_WINDOW: &str = "no-window";

/// The event by which the run goes on; `None` if there is nothing to record now.
pub fn choose(
    state: &RunState,
    nodes: &[NodeView],
    pods: &[PodView],
    gangs: &[GangView],
    now: Timestamp,
) -> Option<Event> {
    let phase = due(state)?;
    let waived = state.waivers.iter().any(|w| w.check == NEVER_INTERRUPT);
    let jobs = || unless_waived(jobs(pods, gangs), waived);
    match state.plan.phases[phase].name.as_str() {
        CANARY | WORKERS => workers(state, phase, nodes, jobs, now),
        _ => in_order(state, phase, jobs, now),
    }
}

/// What follows from closed windows.
fn wait_for(state: &RunState, closed: Closed, seconds: u64, now: Timestamp) -> Option<Event> {
    match closed {
        Closed::Never(windows) => Some(no_window(&windows, seconds)),
        Closed::Until(until, windows) => {
            waits(state, format!("no {windows} is open in which a lane still ends"), Some(until), now)
        }
    }
}

/// A run can't wait for a window that never comes.
fn no_window(windows: &str, seconds: u64) -> Event {
    let message = format!(
        "no {windows} opens again that is long enough for a lane, which takes {seconds} s: the run keeps the policy that it began with, so abort it, change `windows` in /etc/podlift/policy.toml or give another --window, and start another run, which goes on where this one ends"
    );
    let (code, next) = (NO_WINDOW.into(), "podlift abort".into());
    let reason = StopReason { code, message, detail: String::new(), undone: String::new(), next };
    Event::RunPaused { reason, by: None, now: false }
}

/// The next lanes of the plan.
fn in_order(
    state: &RunState,
    phase: usize,
    jobs: impl FnOnce() -> Vec<Job>,
    now: Timestamp,
) -> Option<Event> {
    let lanes = [Lanes::of_all(state.plan.options.batches.as_ref()?)];
    let of_nodes = state.plan.phases[phase].lanes.iter().find_map(|lane| lane.node.as_ref());
    let role = of_nodes.and_then(|node| state.plan.inventory.get(node)).map(|n| n.role);
    let seconds = role.map_or(0, |role| lane_seconds(&lanes, now, usual_seconds(state, role)));
    if let Some(closed) = closed(&lanes, now, seconds) {
        return wait_for(state, closed, seconds, now);
    }
    let jobs = jobs();
    let next: Vec<Option<&NodeName>> = admission::to_come(state, phase).take(room(state, phase)).collect();
    let nodes: Vec<NodeName> = next.into_iter().flatten().cloned().collect();
    let here = |job: &&Job| counts(job) && nodes.iter().any(|node| job.nodes.contains_key(node));
    let hit: Vec<&Job> = jobs.iter().filter(here).collect();
    let batch = Batch {
        why: format!("next in the order of the plan ({})", state.plan.phases[phase].title),
        reasons: BTreeMap::new(),
        interrupts: hit.iter().map(|job| job.id.clone()).collect(),
        shrinks: vec![],
        gpu_seconds: hit.iter().map(|job| loss(job, &nodes, now)).sum(),
        nodes,
    };
    Some(chosen(state, phase, batch, &jobs, now))
}

fn workers(
    state: &RunState,
    phase: usize,
    nodes: &[NodeView],
    jobs: impl FnOnce() -> Vec<Job>,
    now: Timestamp,
) -> Option<Event> {
    let policy = state.plan.options.batches.as_ref()?;
    let workers = scene::workers(state, phase, nodes);
    let to_come = |worker: &&Worker| worker.stage == Stage::ToCome;
    let lanes = Lanes::of_workers(policy, workers.iter().filter(to_come));
    let seconds = lane_seconds(&lanes, now, usual_seconds(state, NodeRole::Worker));
    if let Some(closed) = closed(&lanes, now, seconds) {
        return wait_for(state, closed, seconds, now);
    }
    let jobs = jobs();
    let jobs = jobs.as_slice();
    if let Some((why, until)) = returning::awaited(state, jobs, now) {
        return waits(state, why, Some(until), now);
    }
    let scene = Scene {
        now,
        started: workers_since(state).unwrap_or(now),
        policy,
        max_unavailable: state.max_unavailable,
        lanes_at_most: scene::lanes_at_most(state, phase),
        workers: &workers,
        jobs,
        interrupted: &state.interrupted,
        agreed: &scene::agreed(state, jobs),
        lane_seconds: seconds,
        batches_done: scene::batches_done(state),
    };
    match decide(&scene) {
        Decision::Take(batch) => Some(chosen(state, phase, batch, jobs, now)),
        Decision::Wait { why, until } => waits(state, why, until, now),
        Decision::Ask { why, jobs: asked } => {
            Some(ask(&why, &asked, jobs, admission::to_come(state, phase).flatten()))
        }
        Decision::Leave { nodes, why } => Some(leave::decided(state, nodes, why)),
        // The reason of an earlier wait is gone.
        Decision::Nothing => waits(state, String::new(), None, now),
    }
}

fn chosen(state: &RunState, phase: usize, batch: Batch, jobs: &[Job], now: Timestamp) -> Event {
    let Batch { nodes, why, reasons, interrupts, shrinks, gpu_seconds } = batch;
    // A gang that goes on with fewer pods is not interrupted, and loses some work all the same.
    let loses = |job: &&Job| interrupts.contains(&job.id) || shrinks.contains(&job.id);
    let hit = jobs.iter().filter(loses).map(|job| BatchJob {
        id: job.id.clone(),
        nodes: nodes.iter().filter(|node| job.nodes.contains_key(*node)).cloned().collect(),
        gpu_seconds: loss(job, &nodes, now),
    });
    let (number, jobs) = (state.batches.len() as u32 + 1, hit.collect());
    let phase = state.plan.phases[phase].name.clone();
    Event::BatchChosen { number, phase, nodes, why, reasons, interrupts, gpu_seconds, jobs }
}

/// Only a new reason is recorded; an empty one ends a wait.
fn waits(state: &RunState, why: String, until: Option<Timestamp>, now: Timestamp) -> Option<Event> {
    let known = match &state.batch_waits {
        Some(wait) if !why.is_empty() && wait.until == until => wait.why == why || is_new(state, now),
        Some(_) => false,
        None => why.is_empty(),
    };
    (!known).then_some(Event::BatchWaits { why, until })
}

/// Whether the last reason is so new that another sentence for it can wait: nodes and jobs come and go all the time.
fn is_new(state: &RunState, now: Timestamp) -> bool {
    state.waits_since.is_some_and(|since| now.duration_since(since) < REWORDED)
}

/// A reason is worded anew at most so often.
const REWORDED: SignedDuration = SignedDuration::from_secs(300);

/// Names in a question.
const NAMED: usize = 5;

/// The pause that asks for the jobs; the ids are in its detail, one a line, and the approval agrees to them.
fn ask<'a>(why: &str, asked: &[String], jobs: &[Job], mut due: impl Iterator<Item = &'a NodeName>) -> Event {
    let meant: Vec<&Job> = jobs.iter().filter(|job| asked.contains(&job.id)).collect();
    let first = due.find(|node| meant.iter().any(|job| job.nodes.contains_key(*node)));
    let node = first.map_or("NODE", NodeName::as_str);
    let message = format!(
        "{why}: to let the run interrupt {}: podlift approve; podlift defer {node} leaves a node of it out, and podlift set max-unavailable N may make room for it",
        listed(asked, NAMED)
    );
    let (code, next) = (approval::CODE.into(), "podlift approve".into());
    let reason = StopReason { code, message, detail: asked.join("\n"), undone: String::new(), next };
    Event::RunPaused { reason, by: None, now: false }
}
