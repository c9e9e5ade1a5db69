//! A coordinator with as many agents as are asked for, at the intervals of a large site; and what a process costs, as /proc says.
#![allow(clippy::disallowed_methods)] // this is an edge: /proc, this program's own path

use crate::supervisor::{Before, HealMode, Lab, Options, Tuning};
use crate::world::Shape;
use anyhow::Context as _;
use serde_json::Value;

const PLANES: u32 = 3;

/// Runs `measure` over such a fleet, and takes it down whatever comes of it.
pub fn with(nodes: u32, measure: impl AsyncFnOnce(&Lab) -> anyhow::Result<Value>) -> anyhow::Result<Value> {
    with_world(nodes, Shape::default(), Before::default(), measure)
}

/// Names of the workers of a fleet of so many nodes.
pub fn workers(nodes: u32) -> Vec<String> {
    (0..nodes - PLANES).map(|i| format!("dgx{i:05}")).collect()
}

/// The same with a World as it is wanted.
pub fn with_world(
    nodes: u32,
    shape: Shape,
    before: Before,
    measure: impl AsyncFnOnce(&Lab) -> anyhow::Result<Value>,
) -> anyhow::Result<Value> {
    with_tuning(nodes, shape, before, Tuning::default(), measure)
}

/// The same with the coordinator's own settings as they are wanted.
pub fn with_tuning(
    nodes: u32,
    shape: Shape,
    before: Before,
    tuning: Tuning,
    measure: impl AsyncFnOnce(&Lab) -> anyhow::Result<Value>,
) -> anyhow::Result<Value> {
    podlift_common::tls::install_provider();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let shape = Shape { workers: workers(nodes), own_workers: 0, ..shape };
        let exe = std::env::current_exe().context("this program's own path")?;
        anstream::eprintln!("{nodes} agents are started");
        let options = Options { shape, heal: HealMode::Enforce, exe, coordinator: true };
        let lab = Lab::start_tuned(options, tuning, before).await?;
        let measured = match lab.ready().await {
            Ok(()) => {
                anstream::eprintln!("all of them are connected; measuring");
                measure(&lab).await
            }
            Err(error) => Err(error),
        };
        if measured.is_err() {
            anstream::eprintln!("{}", lab.log_tails());
        }
        lab.stop().await;
        measured
    })
}

/// Resident memory now.
pub fn rss_mib(pid: u32) -> anyhow::Result<f64> {
    status_mib(pid, "VmRSS:")
}

/// The most that it ever was.
pub fn peak_rss_mib(pid: u32) -> anyhow::Result<f64> {
    status_mib(pid, "VmHWM:")
}

fn status_mib(pid: u32, field: &str) -> anyhow::Result<f64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = text.lines().find_map(|l| l.strip_prefix(field));
    let line = line.with_context(|| format!("a process without {field}"))?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok((kib / 102.4).round() / 10.0)
}

/// Processor time so far, of all threads.
pub fn cpu_seconds(pid: u32) -> anyhow::Result<f64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name, in parentheses, may hold anything.
    let rest = text.rsplit_once(')').context("an unexpected /proc/PID/stat")?.1;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks =
        |i: usize| fields.get(i).and_then(|f| f.parse::<f64>().ok()).context("an unexpected /proc/PID/stat");
    let hertz = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK)?.unwrap_or(100) as f64;
    Ok((ticks(11)? + ticks(12)?) / hertz)
}
