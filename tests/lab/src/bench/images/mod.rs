//! Workers that get their disks from software images: the product's coordinator over the fleet of `bench rollout`, with a BCM whose provisioners
//! have slots, under a paused clock.
#![allow(clippy::disallowed_methods)] // this is an edge: it measures

mod ideal;

use super::rollout::{SYNC, Timed, coordinator, is_of_phase, run, workers_phase};
use anyhow::ensure;
use ideal::Lane;
use podlift_coordinator::testing::{Fleet, HEAD, name};
use podlift_engine::machine::RunStatus;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Workers
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(20..=5000))]
    workers: u32,
    /// Slots of each of the two provisioners
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100))]
    slots: u32,
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
}

/// The run may take so many times as long as the ideal schedule.
const GOAL: f64 = 1.1;
/// Percent of the workers that may be unavailable together: so many that the slots decide.
const SHARE: u32 = 30;
const PROVISIONERS: u32 = 2;

pub fn main(args: &Args) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
    let figures = runtime.block_on(measure(args))?;
    match args.json {
        true => anstream::println!("{figures}"),
        false => anstream::println!(
            "{} workers, {} at once, {} slots: {} s, the ideal schedule {} s (ratio {}, at most {GOAL}); at most {} imageupdates at once",
            figures["workers"],
            figures["max_unavailable"],
            figures["slots"],
            figures["wall_s"],
            figures["ideal_s"],
            figures["ratio"],
            figures["imageupdates_at_once"]
        ),
    }
    let met = figures["ratio"].as_f64().is_some_and(|ratio| ratio <= GOAL)
        && figures["imageupdates_at_once"].as_u64() <= figures["slots"].as_u64();
    Ok(if met { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn measure(args: &Args) -> anyhow::Result<Value> {
    let workers = args.workers as usize;
    let fleet = Fleet::with_workers(workers);
    {
        let mut s = fleet.lock();
        s.add_bcm();
        s.bcm_site().provisioning.provisioners.iter_mut().for_each(|p| p.slots = args.slots);
    }
    let timed = Arc::new(Timed::new(fleet.clone()));
    let coordinator = coordinator(&timed, &fleet, SHARE, Some(name(HEAD)))?;
    let stop = CancellationToken::new();
    let running = tokio::spawn(coordinator.clone().run(stop.clone()));
    let (state, real) = run(&coordinator).await?;
    stop.cancel();
    running.await.ok();
    ensure!(state.status == RunStatus::Succeeded, "the run is {:?}", state.status);
    let (begun, ended) = workers_phase(&coordinator)?;
    let wall = ended.duration_since(begun).as_secs_f64();
    let lanes = timed.lanes().into_iter().filter(|(node, _)| is_of_phase(&state, node));
    let lanes: Vec<Lane> = lanes.map(|(_, parts)| lane(&parts)).collect();
    let updated = lanes.iter().filter(|l| l.sync > 0.0).count();
    // One is the canary, which is a phase of its own.
    ensure!(updated + 1 == workers, "{updated} of {workers} workers were updated from their image");
    let (limit, slots) = (workers * SHARE as usize / 100, args.slots * PROVISIONERS);
    let ideal = ideal::seconds(&lanes, limit, slots as usize);
    let round = |n: f64| (n * 1000.0).round() / 1000.0;
    let mean =
        |of: &dyn Fn(&Lane) -> f64| round(lanes.iter().map(of).sum::<f64>() / lanes.len().max(1) as f64);
    Ok(json!({
        "workers": workers, "max_unavailable": limit, "slots": slots, "imageupdates_at_once": timed.syncs_at_once(),
        "lane_mean_s": mean(&|l| l.before + l.sync + l.after), "sync_mean_s": mean(&|l| l.sync),
        "wall_s": round(wall), "ideal_s": round(ideal), "ratio": round(wall / ideal),
        "podlift_s_per_node": round(real.as_secs_f64() / workers as f64),
    }))
}

/// What a worker's ops took, before its update, for it, and after it.
fn lane(parts: &BTreeMap<String, f64>) -> Lane {
    let of = |verb: &str| parts.get(verb).copied().unwrap_or_default();
    let (before, sync) = (of("drain") + of("bcm-sync-dry-run"), of(SYNC));
    Lane { before, sync, after: parts.values().sum::<f64>() - before - sync }
}
