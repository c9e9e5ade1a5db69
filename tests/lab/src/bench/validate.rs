//! What a validation costs: `podlift validate -o json` as a process of its own, over a coordinator with thousands of agents and a cluster
//! with tens of thousands of pods.

use super::fleet::{self, peak_rss_mib, rss_mib};
use super::plan::crowd;
use crate::supervisor::{Before, COORDINATOR, Lab};
use crate::world::Shape;
use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use std::process::ExitCode;
use std::time::Instant;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Nodes, each with an agent
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u32).range(4..=10_000))]
    nodes: u32,
    /// Pods beside those that every node has
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(0..=200_000))]
    pods: u32,
    /// How many validations are made; the slowest counts
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
}

const SECONDS_BAR: f64 = 10.0;
const MEMORY_BAR_MIB: f64 = 400.0;
/// The doubles' own time is not what is measured.
const FACTOR: u32 = 10;

pub fn main(args: &Args) -> anyhow::Result<ExitCode> {
    let count = args.pods;
    let before = Before { seed: Some(Box::new(move |w| crowd(w, count))), ..Before::default() };
    let shape = Shape { factor: FACTOR, runbook: true, empty_endpoints: false, ..Shape::default() };
    let figures = fleet::with_world(args.nodes, shape, before, async |lab: &Lab| measure(lab, args).await)?;
    let number = |name: &str| figures[name].as_f64().unwrap_or(f64::MAX);
    match args.json {
        true => anstream::println!("{figures}"),
        false => anstream::println!(
            "a validation of {} nodes and {} pods: {} s (at most {SECONDS_BAR}), coordinator {} MiB (at most {MEMORY_BAR_MIB}), {} checks",
            figures["nodes"],
            figures["pods"],
            figures["validate_s"],
            figures["coordinator_peak_rss_mib"],
            figures["checks"]
        ),
    }
    let met = number("validate_s") < SECONDS_BAR && number("coordinator_peak_rss_mib") < MEMORY_BAR_MIB;
    Ok(if met { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn measure(lab: &Lab, args: &Args) -> anyhow::Result<Value> {
    let pid = lab.processes.pid(COORDINATOR).context("the coordinator")?;
    let idle = rss_mib(pid)?;
    let (mut slowest, mut last) = (0.0_f64, Value::Null);
    for _ in 0..args.rounds {
        let asked = Instant::now();
        let called = lab.podlift(&["validate", "-o", "json"], false).await?;
        slowest = slowest.max(asked.elapsed().as_secs_f64());
        // A check that fails, or is open because the lab has no such thing, is a result like another.
        ensure!(
            matches!(called.code, 0 | 1 | 6),
            "podlift validate exited {}\n{}",
            called.code,
            called.stderr
        );
        last = called.json()?;
    }
    let checks = last["checks"].as_array().context("a validation without checks")?;
    Ok(json!({
        "nodes": args.nodes, "pods": lab.world.lock().api.pods().count(), "rounds": args.rounds,
        "validate_s": (slowest * 100.0).round() / 100.0, "checks": checks.len(), "counts": last["counts"],
        "coordinator_idle_rss_mib": idle, "coordinator_peak_rss_mib": peak_rss_mib(pid)?,
        "bars": {"validate_s": SECONDS_BAR, "coordinator_peak_rss_mib": MEMORY_BAR_MIB},
    }))
}
