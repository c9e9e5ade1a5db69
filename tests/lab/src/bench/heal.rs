//! From the rename of a broken manifest to the repaired file: a real agent process, real inotify, a folder on a disk. The floor is what
//! nobody can avoid: read, write, fsync, rename, fsync of the directory, alone, in the same run on the same disk.
#![allow(clippy::disallowed_methods)] // this is an edge: it measures files

use super::stats::Samples;
use crate::supervisor::{HealMode, Lab, Options};
use crate::world::Shape;
use anyhow::{Context as _, bail};
use serde_json::json;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// How often
    #[arg(long, default_value_t = 600)]
    rounds: u32,
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
}

const NODE: &str = "runai-01";
/// A heal that takes longer has not happened.
const LIMIT: Duration = Duration::from_secs(10);

pub fn main(args: &Args) -> anyhow::Result<ExitCode> {
    podlift_common::tls::install_provider();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let lab = runtime.block_on(prepare())?;
    let measured = measure(&lab.at(&format!("nodes/{NODE}")), args.rounds);
    if measured.is_err() {
        anstream::eprintln!("{}", lab.log_tails());
    }
    runtime.block_on(lab.stop());
    let (heal, floor) = measured?;
    let (p99, floor99) = (heal.percentile(99), floor.percentile(99).max(1));
    let ratio = (p99 as f64 / floor99 as f64 * 100.0).round() / 100.0;
    let figures = json!({"p50_us": heal.percentile(50), "p99_us": p99, "floor_p50_us": floor.percentile(50),
        "floor_p99_us": floor99, "ratio_p99": ratio, "rounds": heal.len()});
    match args.json {
        true => anstream::println!("{figures}"),
        false => anstream::println!(
            "heal p50 {} µs, p99 {p99} µs; floor p50 {} µs, p99 {floor99} µs; ratio of p99 {ratio} (at most 3) over {} rounds",
            heal.percentile(50),
            floor.percentile(50),
            heal.len()
        ),
    }
    Ok(ExitCode::SUCCESS)
}

/// An agent that has learned what its manifest must contain, alone on the machine.
async fn prepare() -> anyhow::Result<Lab> {
    let shape = Shape { control_planes: vec![NODE.into()], workers: vec![], factor: 30, ..Shape::default() };
    let exe = std::env::current_exe().context("this program's own path")?;
    let lab = Lab::start(Options { shape, heal: HealMode::Enforce, exe, coordinator: false }).await?;
    let learned = lab.at(&format!("nodes/{NODE}/var/lib/podlift/heal/expectations.json"));
    for _ in 0..200 {
        lab.check_alive()?;
        if learned.exists() {
            // Again with intervals that keep everything else quiet, and without the kubelet.
            lab.stop_process(NODE).await;
            lab.world.abort(|_, _| true);
            lab.quiet_agent(NODE)?;
            lab.start_agent(NODE)?;
            tokio::time::sleep(Duration::from_secs(1)).await;
            return Ok(lab);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    bail!("the agent learned nothing within twenty seconds{}", lab.log_tails())
}

struct Files {
    manifest: PathBuf,
    scratch: PathBuf,
    /// The floor's own target, in a folder that nobody watches.
    other: PathBuf,
    good: Vec<u8>,
    broken: Vec<u8>,
}

fn measure(root: &Path, rounds: u32) -> anyhow::Result<(Samples, Samples)> {
    let manifest = root.join("etc/kubernetes/manifests/kube-apiserver.yaml");
    let good = fs::read(&manifest)?;
    let empty = |line: &str| {
        if line.contains("--etcd-servers=") { "    - --etcd-servers=\n".into() } else { format!("{line}\n") }
    };
    let broken: String = String::from_utf8_lossy(&good).lines().map(empty).collect();
    let other = root.join("var/lib/floor/kube-apiserver.yaml");
    fs::create_dir_all(other.parent().unwrap_or(root))?;
    fs::write(&other, &good)?;
    let files = Files {
        manifest,
        scratch: root.join("etc/kubernetes/tmp"),
        other,
        good,
        broken: broken.into_bytes(),
    };
    let (mut heal, mut floor) = (Samples::default(), Samples::default());
    for _ in 0..rounds {
        heal.push(one_heal(&files)?);
        floor.push(one_floor(&files)?);
    }
    Ok((heal, floor))
}

fn one_heal(files: &Files) -> anyhow::Result<u64> {
    let new = files.scratch.join("bench-new.yaml");
    fs::write(&new, &files.broken)?;
    File::open(&new)?.sync_all()?;
    let inode = fs::metadata(&new)?.ino();
    let started = Instant::now();
    fs::rename(&new, &files.manifest)?;
    while fs::metadata(&files.manifest).map(|m| m.ino()).unwrap_or(inode) == inode {
        if started.elapsed() > LIMIT {
            bail!("the manifest was not repaired within {} s", LIMIT.as_secs());
        }
        std::thread::sleep(Duration::from_micros(20));
    }
    let took = started.elapsed();
    if fs::read(&files.manifest)? != files.good {
        bail!("the repaired manifest differs from the good one");
    }
    // The agent's own records of this heal are no part of the next one.
    std::thread::sleep(Duration::from_millis(5));
    Ok(u64::try_from(took.as_micros())?)
}

fn one_floor(files: &Files) -> anyhow::Result<u64> {
    let dir = files.other.parent().context("a folder")?;
    let started = Instant::now();
    let bytes = fs::read(&files.other)?;
    let new = files.scratch.join("bench-floor.yaml");
    let mut file = File::create(&new)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    fs::rename(&new, &files.other)?;
    File::open(dir)?.sync_all()?;
    Ok(u64::try_from(started.elapsed().as_micros())?)
}
