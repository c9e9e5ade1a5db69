//! How close batches come to the schedule of someone who knows the length of every step: the product's coordinator over a fleet whose ops
//! take known times, under a paused clock, so that the run's own time is exact and the processor's time is all overhead.
#![allow(clippy::disallowed_methods)] // this is an edge: it measures

mod ansible;
mod ideal;
mod slots;
mod timed;

use super::bars;
use anyhow::{Context as _, ensure};
use jiff::Timestamp;
use podlift_common::clock::TokioClock;
use podlift_coordinator::core::Settings;
use podlift_coordinator::exec::ExecSettings;
use podlift_coordinator::journal::MemoryJournal;
use podlift_coordinator::testing::{Fleet, name, options, records, store};
use podlift_coordinator::{Coordinator, Parts, PlanAsk};
use podlift_engine::machine::{Event, RunState, RunStatus};
use podlift_engine::program::PlanOptions;
use podlift_model::{ClusterName, InstanceId, NodeName};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
pub(super) use timed::{SYNC, Timed};
use tokio_util::sync::CancellationToken;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Workers
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(40..=5000))]
    workers: u32,
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
}

const TO: &str = "v1.32.9";
/// The run may take so many times as long as the ideal schedule.
const GOAL: f64 = 1.05;
/// For one node ansible-playbook needs so many times as long, at least.
const TIMES: f64 = 10.0;
/// Share of the workers that may be unavailable together.
const SHARE: u32 = 10;
/// Sizes of the jobs, again and again while half of the fleet has none.
const SIZES: [usize; 8] = [1, 4, 2, 8, 1, 16, 2, 32];
/// Number of the first worker of the small fleet.
const FIRST: usize = 30;
/// Longer than any run that ends.
const PATIENCE: Duration = Duration::from_secs(7 * 24 * 3600);

pub fn main(args: &Args) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
    let mut figures = runtime.block_on(measure(args.workers as usize))?;
    judged_by(&mut figures, ansible::seconds_per_node(args.workers)?);
    match args.json {
        true => anstream::println!("{figures}"),
        false => anstream::println!(
            "{} workers, {} at once: {} s, the ideal schedule {} s (ratio {}, at most {GOAL}), with idle nodes first {} s, by least loss {} s; a job was interrupted at most {} times; \
             {} s of processor for a node, ansible-playbook {}",
            figures["workers"],
            figures["max_unavailable"],
            figures["wall_s"],
            figures["ideal_s"],
            figures["ratio"],
            figures["ideal_idle_first_s"],
            figures["ideal_least_loss_s"],
            figures["gang_interruptions_max"],
            figures["podlift_s_per_node"],
            figures["ansible_s_per_node"]
        ),
    }
    let missed = bars::missed(&figures);
    missed.iter().for_each(|bar| anstream::eprintln!("missed: {bar}"));
    Ok(if missed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// `ansible`: its seconds for a node; `None` where it is not installed, and then no bar compares with it.
fn judged_by(figures: &mut Value, ansible: Option<f64>) {
    let podlift = figures["podlift_s_per_node"].as_f64().unwrap_or(f64::INFINITY);
    figures["ansible_s_per_node"] = json!(ansible);
    figures["ansible_times"] = json!(ansible.map(|s| (s / podlift * 10.0).round() / 10.0));
    figures["bars"] = json!({"ratio": GOAL, "gang_interruptions_max": 1, "ansible_times_least": TIMES});
}

fn worker(number: usize) -> String {
    format!("dgx{:03}", FIRST + number)
}

/// Jobs by name, of no two neighbours; half of the workers are idle.
fn jobs(workers: usize) -> Vec<Vec<NodeName>> {
    let mut free = (0..workers).step_by(2).map(|i| name(&worker(i)));
    let sizes = SIZES.iter().cycle();
    let all = sizes.map(|size| free.by_ref().take(*size).collect::<Vec<_>>());
    all.take_while(|nodes| !nodes.is_empty()).collect()
}

async fn measure(workers: usize) -> anyhow::Result<Value> {
    let (fleet, limit) = (Fleet::with_workers(workers), workers * SHARE as usize / 100);
    let jobs = jobs(workers);
    for (i, nodes) in jobs.iter().enumerate() {
        fleet.lock().work.begin(&format!("job-{i:03}"), nodes.iter().cloned());
    }
    let timed = Arc::new(Timed::new(fleet.clone()));
    let coordinator = coordinator(&timed, &fleet, SHARE, None)?;
    let stop = CancellationToken::new();
    let running = tokio::spawn(coordinator.clone().run(stop.clone()));
    let (state, real) = run(&coordinator).await?;
    stop.cancel();
    running.await.ok();
    ensure!(state.status == RunStatus::Succeeded, "the run is {:?}", state.status);
    let (begun, ended) = workers_phase(&coordinator)?;
    let wall = ended.duration_since(begun).as_secs_f64();
    let lanes = timed.lanes();
    let of_workers: BTreeMap<NodeName, f64> = lanes
        .into_iter()
        .filter(|(node, _)| is_of_phase(&state, node))
        .map(|(node, parts)| (node, parts.values().sum()))
        .collect();
    let ideal = ideal::seconds(&of_workers, &jobs, limit);
    let most = (0..jobs.len()).map(|i| fleet.lock().work.ended(&format!("job-{i:03}"))).max();
    let round = |n: f64| (n * 1000.0).round() / 1000.0;
    let mean = of_workers.values().sum::<f64>() / of_workers.len().max(1) as f64;
    Ok(json!({
        "workers": workers, "max_unavailable": limit, "jobs": jobs.len(), "batches": state.batches.len(),
        "lane_mean_s": round(mean), "wall_s": round(wall), "ideal_s": round(ideal.best), "ratio": round(wall / ideal.best),
        "ideal_idle_first_s": round(ideal.idle_first), "ideal_least_loss_s": round(ideal.least_loss),
        "gang_interruptions_max": most, "podlift_s_per_node": (real.as_secs_f64() / workers as f64 * 1e5).round() / 1e5,
    }))
}

/// `share`: percent of the workers that may be unavailable together.
pub(super) fn coordinator(
    timed: &Arc<Timed>,
    fleet: &Fleet,
    share: u32,
    head: Option<NodeName>,
) -> anyhow::Result<Arc<Coordinator>> {
    let batches = serde_json::from_value(json!({"max-unavailable": format!("{share}%")}))?;
    let plan = PlanOptions {
        batches: Some(batches),
        soft_taint: true,
        canary: 1,
        canary_soak_seconds: 0,
        ..options()
    };
    // Steps take minutes, and a wait of the paused clock passes at once: reads of the API servers would be most of the work.
    let exec = ExecSettings {
        read_interval: Duration::from_secs(10),
        probe_interval: Duration::from_secs(10),
        ..ExecSettings::default()
    };
    let mut settings = Settings { options: plan, exec, ..Settings::default() };
    settings.backup.directory = fleet.backups();
    let start = fleet_epoch()?;
    Ok(Coordinator::new(Parts {
        cluster_name: ClusterName::new("runaicluster")?,
        store: store(&MemoryJournal::new()),
        agents: timed.clone(),
        cluster: timed.clone(),
        clock: Arc::new(TokioClock::starting_at(start)),
        instance: InstanceId::new("bench")?,
        settings,
        head,
    }))
}

/// The time of the small fleet's store.
fn fleet_epoch() -> anyhow::Result<Timestamp> {
    "2026-11-22T02:00:00Z".parse().context("a time")
}

/// The run at its end, and the real time that it took.
pub(super) async fn run(coordinator: &Arc<Coordinator>) -> anyhow::Result<(Arc<RunState>, Duration)> {
    let mut fence = coordinator.fence().subscribe();
    while coordinator.fence().commanding().is_none() {
        fence.changed().await?;
    }
    let (run, _) = coordinator.start_run(&PlanAsk::to(TO.parse()?), None, "bench").await?;
    let began = Instant::now();
    let store = coordinator.store();
    let mut journal = store.subscribe();
    let over = async {
        loop {
            let state = store.run(&run).context("the run is gone")?;
            if !matches!(state.status, RunStatus::Running) {
                return anyhow::Ok(state);
            }
            journal.changed().await?;
        }
    };
    let state = tokio::time::timeout(PATIENCE, over).await.context("the run does not end")??;
    Ok((state, began.elapsed()))
}

const PHASE: &str = "workers/";

/// From the first step of the phase of workers to its last one.
pub(super) fn workers_phase(coordinator: &Coordinator) -> anyhow::Result<(Timestamp, Timestamp)> {
    let all = records(coordinator.store(), 0);
    let of_phase = all.iter().filter(|r| match &r.event {
        Event::StepStarted { step, .. } | Event::StepDone { step, .. } => step.as_str().starts_with(PHASE),
        _ => false,
    });
    let times: Vec<Timestamp> = of_phase.map(|r| r.at).collect();
    let (first, last) = times.first().zip(times.last()).context("no worker was upgraded")?;
    Ok((*first, *last))
}

pub(super) fn is_of_phase(state: &RunState, node: &NodeName) -> bool {
    state.batches.iter().any(|b| b.phase == "workers" && b.nodes.contains(node))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ansible_is_a_bar_only_where_it_is_installed() {
        let judged = |ansible: Option<f64>| {
            let mut figures = json!({"ratio": 1.0, "gang_interruptions_max": 1, "podlift_s_per_node": 0.02});
            judged_by(&mut figures, ansible);
            bars::missed(&figures)
        };
        assert_eq!(judged(None), Vec::<String>::new());
        assert_eq!(judged(Some(0.5)), Vec::<String>::new());
        assert_eq!(judged(Some(0.1)), ["ansible_times is 5, expected at least 10"]);
    }
}
