//! How many agents one coordinator holds: real sessions over TLS with heartbeats, for a minute, and what that costs it.
#![allow(clippy::disallowed_methods)] // this is an edge: it measures

use super::fleet::{self, cpu_seconds, rss_mib};
use crate::supervisor::Lab;
use anyhow::Context as _;
use serde_json::{Value, json};
use std::process::ExitCode;
use std::time::{Duration, Instant};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Sessions
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(4..=10_000))]
    agents: u32,
    /// For how long they are held
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
}

pub fn main(args: &Args) -> anyhow::Result<ExitCode> {
    let figures = fleet::with(args.agents, async |lab: &Lab| measure(lab, args).await)?;
    match args.json {
        true => anstream::println!("{figures}"),
        false => anstream::println!(
            "{} of {} agents held for {} s: {} MiB (at most 1024), {} % of a core, {} dropped",
            figures["connected"],
            figures["agents"],
            figures["seconds"],
            figures["rss_mib"],
            figures["cpu_percent"],
            figures["dropped"]
        ),
    }
    Ok(ExitCode::SUCCESS)
}

async fn measure(lab: &Lab, args: &Args) -> anyhow::Result<Value> {
    let pid = lab.processes.pid("coordinator").context("the coordinator")?;
    let (cpu, opened, began) = (cpu_seconds(pid)?, lab.sessions_opened(), Instant::now());
    tokio::time::sleep(Duration::from_secs(args.seconds)).await;
    let (took, used) = (began.elapsed().as_secs_f64(), cpu_seconds(pid)? - cpu);
    let (opened_again, rss) = (lab.sessions_opened() - opened, rss_mib(pid)?);
    let status = lab.podlift(&["status", "-o", "json"], false).await?.json()?;
    let rows = status["nodes"].as_array().context("a status without nodes")?;
    let connected = rows.iter().filter(|r| r["connected"] == true).count();
    Ok(json!({
        "agents": args.agents, "connected": connected, "seconds": took.round(), "rss_mib": rss,
        "cpu_percent": (used / took * 1000.0).round() / 10.0,
        // A session that was opened again was dropped before.
        "dropped": opened_again + u64::from(args.agents) - connected as u64,
    }))
}
