//! What clients of the API notice of a whole upgrade: one at the proxy's address, and one at the endpoints as the service `kubernetes` has
//! them, each fifty times a second over a connection of its own; and how long each API server was away, in both passes.

use super::fleet;
use crate::size::FACTOR;
use crate::supervisor::away::Watch;
use crate::supervisor::clients::{At, Client};
use crate::supervisor::{Before, Lab};
use crate::world::Shape;
use crate::world::shape::Timing;
use anyhow::ensure;
use serde_json::{Value, json};
use std::process::ExitCode;
use std::time::{Duration, Instant};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// API servers do not step aside before they stop
    #[arg(long)]
    no_step_aside: bool,
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
}

const TO: &str = "v1.32.9";
/// Three API servers and four workers.
const NODES: u32 = 7;
/// An API server's port is open this long before its roles are read: a fifth of a second, in the lab's time.
const COLD: Duration = Duration::from_secs(6);

pub fn main(args: &Args) -> anyhow::Result<ExitCode> {
    let timing = Timing { cold: COLD, ..Timing::default() };
    let shape = Shape { factor: FACTOR, timing, nftables: !args.no_step_aside, ..Shape::default() };
    let figures = fleet::with_world(NODES, shape, Before::default(), measure)?;
    match args.json {
        true => anstream::println!("{figures}"),
        false => anstream::println!(
            "at the proxy {} of {} requests failed, the longest time without a success was {} ms; at the endpoints {} of {}, {} ms\nAPI servers away: {}",
            figures["failed"],
            figures["requests"],
            figures["longest_gap_ms"],
            figures["service"]["failed"],
            figures["service"]["requests"],
            figures["service"]["longest_gap_ms"],
            figures["away_s"]
        ),
    }
    Ok(ExitCode::SUCCESS)
}

async fn measure(lab: &Lab) -> anyhow::Result<Value> {
    let (proxy, service) = (Client::start(lab, At::Proxy)?, Client::start(lab, At::Endpoints)?);
    let away = Watch::start(&lab.world);
    let started = Instant::now();
    let run = lab.podlift(&["upgrade", "--to", TO, "--yes"], false).await?;
    ensure!(run.code == 0, "podlift upgrade exited {}\n{}{}", run.code, run.stdout, run.stderr);
    let seconds = (started.elapsed().as_secs_f64() * 10.0).round() / 10.0;
    let report = lab.podlift(&["report", "-o", "json"], false).await?.json()?;
    let seen = proxy.figures();
    Ok(json!({
        "requests": seen.requests, "failed": seen.failed, "longest_gap_ms": seen.longest_gap_ms, "failures": seen.failures,
        "service": service.figures(), "away_s": away.seconds(), "run_s": seconds, "own_probe": report["api_outage"],
    }))
}
