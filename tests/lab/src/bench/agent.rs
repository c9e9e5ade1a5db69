//! What an idle agent costs its node: the real agent in a process of its own with the product's own intervals, watching real manifests, its
//! session open to a real coordinator. Memory, and how often it wakes up. Where `podlift-agent` stands beside this program it is that one;
//! otherwise this program is the agent, and more of its pages count than the agent's own would.
#![allow(clippy::disallowed_methods)] // this is an edge: it measures

use super::fleet::rss_mib;
use super::heal::learned;
use crate::supervisor::{HealMode, Lab, Options};
use crate::world::Shape;
use anyhow::Context as _;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// For how long it is watched
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
}

const NODE: &str = "runai-01";
/// What a session says when it opens is over by then.
const SETTLE: Duration = Duration::from_secs(10);

pub fn main(args: &Args) -> anyhow::Result<ExitCode> {
    podlift_common::tls::install_provider();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let figures = runtime.block_on(async {
        let lab = prepare().await?;
        let measured = measure(&lab, args.seconds).await;
        if measured.is_err() {
            anstream::eprintln!("{}", lab.log_tails());
        }
        lab.stop().await;
        measured
    })?;
    match args.json {
        true => anstream::println!("{figures}"),
        false => anstream::println!(
            "an idle agent: {} MiB (at most 15), {} wake-ups a second (at most 1) over {} s, {} threads",
            figures["rss_mib"],
            figures["wakeups_per_s"],
            figures["seconds"],
            figures["threads"]
        ),
    }
    Ok(ExitCode::SUCCESS)
}

/// One control-plane node whose agent has learned, with a coordinator and an agent that keep the product's own intervals.
async fn prepare() -> anyhow::Result<Lab> {
    let shape = Shape { control_planes: vec![NODE.into()], workers: vec![], factor: 30, ..Shape::default() };
    let exe = std::env::current_exe().context("this program's own path")?;
    let own = exe.with_file_name("podlift-agent");
    let lab = Lab::start(Options { shape, heal: HealMode::Enforce, exe, coordinator: false }).await?;
    learned(&lab, NODE).await?;
    lab.stop_process(NODE).await;
    own_intervals(&lab, "head/coordinator.toml", &["heartbeat", "poll"])?;
    let agent = format!("nodes/{NODE}/etc/podlift/agent.toml");
    own_intervals(&lab, &agent, &["tick", "check", "heartbeat", "reconnect_max", "poll"])?;
    lab.start_coordinator()?;
    match own.exists() {
        true => start_own(&lab, &own)?,
        false => lab.start_agent(NODE)?,
    }
    lab.ready().await?;
    Ok(lab)
}

/// The agent as it is installed.
fn start_own(lab: &Lab, exe: &Path) -> anyhow::Result<()> {
    let root = lab.at(&format!("nodes/{NODE}")).display().to_string();
    lab.processes.spawn_other(NODE, exe, &["--root", &root, "run"])
}

/// Takes the lab's own intervals out of a configuration.
fn own_intervals(lab: &Lab, path: &str, keys: &[&str]) -> anyhow::Result<()> {
    let path = lab.at(path);
    let text = fs::read_to_string(&path)?;
    let is_one = |line: &&str| keys.iter().any(|key| line.starts_with(&format!("{key} = ")));
    let kept: String = text.lines().filter(|line| !is_one(line)).map(|line| format!("{line}\n")).collect();
    Ok(fs::write(&path, kept)?)
}

async fn measure(lab: &Lab, seconds: u64) -> anyhow::Result<Value> {
    tokio::time::sleep(SETTLE).await;
    let pid = lab.processes.pid(NODE).context("the agent")?;
    let (before, began) = (switches(pid)?, Instant::now());
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let (after, took) = (switches(pid)?, began.elapsed().as_secs_f64());
    lab.check_alive()?;
    // A thread that came meanwhile has counted from zero.
    let woken: u64 =
        after.iter().map(|(tid, n)| n.saturating_sub(before.get(tid).copied().unwrap_or(0))).sum();
    Ok(json!({
        "rss_mib": rss_mib(pid)?,
        "wakeups_per_s": (woken as f64 / took * 100.0).round() / 100.0,
        "seconds": took.round(),
        "threads": after.len(),
        "program": fs::read_link(format!("/proc/{pid}/exe"))?.file_name().map(|n| n.to_string_lossy().into_owned()),
    }))
}

/// Voluntary context switches of each thread.
fn switches(pid: u32) -> anyhow::Result<BTreeMap<String, u64>> {
    let mut all = BTreeMap::new();
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let task = task?;
        // A thread may end while it is looked at.
        let Ok(text) = fs::read_to_string(task.path().join("status")) else { continue };
        let line = text.lines().find_map(|l| l.strip_prefix("voluntary_ctxt_switches:"));
        let number = line.context("a thread without switches")?.trim().parse()?;
        all.insert(task.file_name().to_string_lossy().into_owned(), number);
    }
    Ok(all)
}
