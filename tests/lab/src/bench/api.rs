//! What a coordinator asks of the API servers of a large cluster: while nothing runs, and while a run drains as many workers at once as it
//! may. Requests and bytes are those of the coordinator's own identity, counted where they are answered.
#![allow(clippy::disallowed_methods)] // this is an edge: it measures

use super::fleet::{self, peak_rss_mib, rss_mib};
use super::plan::crowd;
use super::stats::Samples;
use crate::api::COORDINATOR as USER;
use crate::supervisor::{Before, COORDINATOR, Lab, Tuning};
use crate::world::traffic::Count;
use crate::world::{Shape, World};
use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::{Duration, Instant};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Nodes, each with an agent
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u32).range(4..=10_000))]
    nodes: u32,
    /// Pods beside those that every node has
    #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(0..=200_000))]
    pods: u32,
    /// Workers that the run may drain at once
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1000))]
    max_unavailable: u32,
    /// Length of each of the two measurements
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(5..=3600))]
    seconds: u64,
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
}

const TO: &str = "v1.32.9";
/// The doubles' own time is not what is measured.
const FACTOR: u32 = 10;
/// How long a step may wait: addons of thousands of nodes are replaced one after the other.
const WAIT: &str = "10m";
/// Until the first workers are drained: control planes, canary and downloads come before.
const PATIENCE: Duration = Duration::from_secs(3600);

pub fn main(args: &Args) -> anyhow::Result<ExitCode> {
    let count = args.pods;
    let before = Before { seed: Some(Box::new(move |w| crowd(w, count))), ..Before::default() };
    let shape = Shape { factor: FACTOR, empty_endpoints: false, ..Shape::default() };
    let tuning = Tuning { wait: WAIT.into(), ..Tuning::default() };
    let measure = async |lab: &Lab| measure(lab, args).await;
    let figures = fleet::with_tuning(args.nodes, shape, before, tuning, measure)?;
    match args.json {
        true => anstream::println!("{figures}"),
        false => anstream::println!(
            "{} nodes, {} pods: at rest {} requests and {} lists a minute (at most 0.1), while {} workers are drained {} requests and {} lists;\n\
             coordinator {} MiB (at most 500), events of its watches at most {} ms late (p99, at most 1000)",
            figures["nodes"],
            figures["pods"],
            figures["steady"]["requests_per_minute"],
            figures["steady"]["lists_per_minute"],
            figures["draining_workers"],
            figures["draining"]["requests_per_minute"],
            figures["draining"]["lists_per_minute"],
            figures["coordinator_peak_rss_mib"],
            figures["staleness_p99_ms"]
        ),
    }
    Ok(ExitCode::SUCCESS)
}

async fn measure(lab: &Lab, args: &Args) -> anyhow::Result<Value> {
    let pid = lab.processes.pid(COORDINATOR).context("the coordinator")?;
    let world = &lab.world;
    let steady = window(world, args.seconds).await;
    let at_once = args.max_unavailable.to_string();
    let line = ["upgrade", "--to", TO, "--yes", "--detach", "--max-unavailable", &at_once];
    let started = lab.podlift(&line, false).await?;
    ensure!(
        started.code == 0,
        "podlift upgrade exited {}\n{}{}",
        started.code,
        started.stdout,
        started.stderr
    );
    until_drained(lab, args.max_unavailable as usize).await?;
    anstream::eprintln!("workers are drained; measuring");
    world.traffic.take_delays();
    let draining = window(world, args.seconds).await;
    let mut delays = Samples::default();
    world.traffic.take_delays().into_iter().for_each(|ms| delays.push(ms));
    let late = (delays.len() > 0).then(|| delays.percentile(99));
    Ok(json!({
        "nodes": args.nodes, "pods": world.lock().api.pods().count(), "max_unavailable": args.max_unavailable,
        "steady": steady, "draining": draining, "draining_workers": cordoned(world),
        "watch_events": delays.len(), "staleness_p99_ms": late,
        "coordinator_rss_mib": rss_mib(pid)?, "coordinator_peak_rss_mib": peak_rss_mib(pid)?,
    }))
}

/// Half of those that may be: lanes begin one after the other.
async fn until_drained(lab: &Lab, at_once: usize) -> anyhow::Result<()> {
    let started = Instant::now();
    while cordoned(&lab.world) < at_once.div_ceil(2) {
        lab.check_alive()?;
        ensure!(started.elapsed() < PATIENCE, "no workers are drained after {} s", PATIENCE.as_secs());
        let status = lab.podlift(&["status", "-o", "json"], false).await?.json()?;
        let run = &status["run"];
        ensure!(run["paused"].is_null(), "the run is paused: {}", run["paused"]);
        ensure!(run["status"] != "failed", "the run ended: {run}");
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    Ok(())
}

fn cordoned(world: &World) -> usize {
    world.lock().api.of("", "nodes").filter(|(_, v)| v["spec"]["unschedulable"] == true).count()
}

/// What the coordinator asks for within so many seconds, by the minute.
async fn window(world: &World, seconds: u64) -> Value {
    let before = world.traffic.of(USER);
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let asked = difference(&before, &world.traffic.of(USER));
    let minute = |n: u64| (n as f64 * 600.0 / seconds as f64).round() / 10.0;
    let sum = |of: &dyn Fn(&Count) -> u64, verb: &str| {
        asked.iter().filter(|(what, _)| what.starts_with(verb)).map(|(_, c)| of(c)).sum::<u64>()
    };
    json!({
        "requests_per_minute": minute(sum(&|c| c.requests, "")),
        "lists_per_minute": minute(sum(&|c| c.requests, "list ")),
        "evictions_per_minute": minute(sum(&|c| c.requests, "evict ")),
        "bytes_per_minute": minute(sum(&|c| c.bytes, "")),
        "by": asked,
    })
}

fn difference(before: &BTreeMap<String, Count>, now: &BTreeMap<String, Count>) -> BTreeMap<String, Count> {
    let less = |what: &String, c: &Count| {
        let b = before.get(what).copied().unwrap_or_default();
        Count { requests: c.requests - b.requests, bytes: c.bytes - b.bytes }
    };
    let all = now.iter().map(|(what, c)| (what.clone(), less(what, c)));
    all.filter(|(_, c)| *c != Count::default()).collect()
}
