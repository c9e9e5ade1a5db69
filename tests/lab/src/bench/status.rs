//! What a person waits for: `podlift status -o json` as a process of its own, over a coordinator that holds thousands of sessions. Beside
//! it, in the same run, what administrators ask a fleet with today: clush over targets that cost it nothing but a local process.
#![allow(clippy::disallowed_methods)] // this is an edge: it measures and spawns

use super::fleet::{self, rss_mib};
use super::stats::Samples;
use crate::supervisor::Lab;
use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Sessions that the coordinator holds
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u32).range(4..=10_000))]
    nodes: u32,
    /// How often the status is asked for
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rounds: u32,
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
}

/// Targets of the peer.
const PEER: usize = 100;

pub fn main(args: &Args) -> anyhow::Result<ExitCode> {
    peer_is_there()?;
    let figures = fleet::with(args.nodes, async |lab: &Lab| measure(lab, args).await)?;
    match args.json {
        true => anstream::println!("{figures}"),
        false => anstream::println!(
            "podlift status of {} nodes: p50 {} ms, p99 {} ms (at most 100), data at most {} s old (at most 5), coordinator {} MiB\n\
             a node costs podlift {} ms and {} {} ms",
            figures["sessions"],
            figures["cli_p50_ms"],
            figures["cli_p99_ms"],
            figures["data_age_p99_s"],
            figures["coordinator_rss_mib"],
            figures["podlift_ms_per_node"],
            figures["peer"].as_str().unwrap_or_default(),
            figures["peer_ms_per_node"]
        ),
    }
    Ok(ExitCode::SUCCESS)
}

async fn measure(lab: &Lab, args: &Args) -> anyhow::Result<Value> {
    let (mut cli, mut ages) = (Samples::default(), Samples::default());
    for _ in 0..args.rounds {
        let asked = Instant::now();
        let called = lab.podlift(&["status", "-o", "json"], false).await?;
        cli.push(u64::try_from(asked.elapsed().as_micros())?);
        ensure!(called.code == 0, "podlift status exited {}", called.code);
        let status = called.json()?;
        let rows = status["nodes"].as_array().context("a status without nodes")?;
        let connected = rows.iter().filter(|r| r["connected"] == true).count();
        ensure!(connected == args.nodes as usize, "{connected} of {} agents are connected", args.nodes);
        rows.iter().filter_map(|r| r["age_seconds"].as_u64()).for_each(|age| ages.push(age));
    }
    let rss = rss_mib(lab.processes.pid("coordinator").context("the coordinator")?)?;
    let peer = tokio::task::spawn_blocking(peer).await??;
    let p99 = ms(cli.percentile(99));
    let per_node = round(p99 / f64::from(args.nodes), 4);
    Ok(json!({
        "sessions": args.nodes, "rounds": cli.len(), "cli_p50_ms": ms(cli.percentile(50)), "cli_p99_ms": p99,
        "data_age_p99_s": ages.percentile(99), "coordinator_rss_mib": rss,
        "peer": "clush -R exec", "peer_nodes": PEER, "peer_ms_per_node": round(peer, 3),
        "podlift_ms_per_node": per_node, "peer_ratio": round(peer / per_node, 1),
    }))
}

fn ms(micros: u64) -> f64 {
    round(micros as f64 / 1000.0, 2)
}

fn round(x: f64, digits: i32) -> f64 {
    let factor = 10f64.powi(digits);
    (x * factor).round() / factor
}

fn peer_is_there() -> anyhow::Result<()> {
    let found = Command::new("clush").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    match found {
        Ok(status) if status.success() => Ok(()),
        _ => {
            bail!("clush is not on this machine; the bench measures beside it: apt-get install clustershell")
        }
    }
}

/// Milliseconds a target: one cheap command on each of a hundred, all at once. The best of three.
fn peer() -> anyhow::Result<f64> {
    let mut best = f64::MAX;
    for _ in 0..3 {
        let asked = Instant::now();
        let status = Command::new("clush")
            .args([
                "-R",
                "exec",
                "-f",
                &PEER.to_string(),
                "-w",
                &format!("node[1-{PEER}]"),
                "cat",
                "/proc/version",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()?;
        ensure!(status.success(), "clush exited {status}");
        best = best.min(asked.elapsed().as_secs_f64() * 1000.0 / PEER as f64);
    }
    Ok(best)
}
