//! From the rename of a broken manifest to the repaired file, its directory on the disk: a real agent process, real inotify. The floor is
//! the unavoidable part: read, write, fsync, rename, fsync of the directory, alone. The peer is what an administrator would write
//! (`shell.rs`). All three in one run on one disk.
#![allow(clippy::disallowed_methods)] // this is an edge: it measures files

use super::shell::Shell;
use super::stats::Samples;
use crate::supervisor::{HealMode, Lab, Options};
use crate::world::Shape;
use anyhow::{Context as _, bail};
use podlift_common::clock::{Clock as _, SystemClock};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// How often
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// How often the peer, inotifywait in a shell; 0 leaves it out
    #[arg(long, default_value_t = 200)]
    shell_rounds: u32,
    /// The peer's `sync`: of the one file, or, as it is often written, of everything
    #[arg(long, value_enum, default_value_t = Sync::File)]
    shell_sync: Sync,
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Sync {
    File,
    All,
}

const NODE: &str = "runai-01";
/// A heal that takes longer has not happened.
const LIMIT: Duration = Duration::from_secs(10);

pub fn main(args: &Args) -> anyhow::Result<ExitCode> {
    podlift_common::tls::install_provider();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let lab = runtime.block_on(prepare())?;
    let measured = measure(&lab.at(&format!("nodes/{NODE}")), args);
    if measured.is_err() {
        anstream::eprintln!("{}", lab.log_tails());
    }
    runtime.block_on(lab.stop());
    let figures = measured?.figures();
    match args.json {
        true => anstream::println!("{figures}"),
        false => anstream::println!("{}", text(&figures)),
    }
    Ok(ExitCode::SUCCESS)
}

/// What the design asks for.
const VISIBLE_P50_RATIO: f64 = 1.2;
const DURABLE_P99_RATIO: f64 = 2.0;
const SHELL_SPEEDUP_P50: f64 = 4.0;

#[derive(Default)]
struct Measured {
    /// Until the repaired file and its directory are on the disk, as the floor.
    durable: Samples,
    /// Until the repaired file is to be seen, as the peer.
    visible: Samples,
    floor: Samples,
    shell: Samples,
}

impl Measured {
    fn figures(&self) -> Value {
        let Self { durable, visible, floor, shell } = self;
        let mut figures = json!({"rounds": durable.len()});
        for (name, samples) in [("floor", floor), ("visible", visible), ("durable", durable)] {
            figures[format!("{name}_p50_us")] = samples.percentile(50).into();
            figures[format!("{name}_p99_us")] = samples.percentile(99).into();
        }
        figures["visible_p50_ratio"] = ratio(visible.percentile(50), floor.percentile(50)).into();
        figures["durable_p99_ratio"] = ratio(durable.percentile(99), floor.percentile(99)).into();
        if shell.len() > 0 {
            figures["shell_rounds"] = shell.len().into();
            figures["shell_p50_us"] = shell.percentile(50).into();
            figures["shell_p99_us"] = shell.percentile(99).into();
            figures["shell_speedup_visible_p50"] = ratio(shell.percentile(50), visible.percentile(50)).into();
        }
        figures["goals"] = json!({"visible_p50_ratio_at_most": VISIBLE_P50_RATIO,
            "durable_p99_ratio_at_most": DURABLE_P99_RATIO, "shell_speedup_visible_p50_at_least": SHELL_SPEEDUP_P50});
        figures
    }
}

fn ratio(a: u64, b: u64) -> f64 {
    (a as f64 / b.max(1) as f64 * 100.0).round() / 100.0
}

/// For people: each goal beside its figure.
fn text(v: &Value) -> String {
    let pair = |name: &str| {
        format!("p50 {} µs, p99 {} µs", v[format!("{name}_p50_us")], v[format!("{name}_p99_us")])
    };
    let mut lines = vec![
        format!("{} rounds, each beside the same writes alone on the same disk", v["rounds"]),
        format!(
            "floor    {}: read, write, fsync, rename, fsync of the directory: the unavoidable part",
            pair("floor")
        ),
        format!(
            "visible  {}: the repaired file is to be seen; p50 is {} times the floor's (goal: at most {VISIBLE_P50_RATIO})",
            pair("visible"),
            v["visible_p50_ratio"]
        ),
        format!(
            "durable  {}: its directory is on the disk; p99 is {} times the floor's (goal: at most {DURABLE_P99_RATIO})",
            pair("durable"),
            v["durable_p99_ratio"]
        ),
    ];
    if v["shell_rounds"].is_number() {
        lines.push(format!(
            "shell    {} over {} rounds: an administrator's loop until its file is to be seen; podlift is {} times faster at p50 (goal: at least {SHELL_SPEEDUP_P50}; at p99 the disk decides)",
            pair("shell"),
            v["shell_rounds"],
            v["shell_speedup_visible_p50"]
        ));
    }
    lines.join("\n")
}

/// An agent that has learned what its manifest must contain, alone on the machine.
async fn prepare() -> anyhow::Result<Lab> {
    let shape = Shape { control_planes: vec![NODE.into()], workers: vec![], factor: 30, ..Shape::default() };
    let exe = std::env::current_exe().context("this program's own path")?;
    let lab = Lab::start(Options { shape, heal: HealMode::Enforce, exe, coordinator: false }).await?;
    learned(&lab, NODE).await?;
    // Again with intervals that keep everything else quiet, and without the kubelet.
    lab.stop_process(NODE).await;
    lab.world.abort(|_, _| true);
    lab.quiet_agent(NODE)?;
    lab.start_agent(NODE)?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    Ok(lab)
}

/// Waits until the node's agent knows what its manifests must contain.
pub async fn learned(lab: &Lab, node: &str) -> anyhow::Result<()> {
    let learned = lab.at(&format!("nodes/{node}/var/lib/podlift/heal/expectations.json"));
    for _ in 0..200 {
        lab.check_alive()?;
        if learned.exists() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    bail!("the agent learned nothing within twenty seconds{}", lab.log_tails())
}

struct Files {
    manifest: PathBuf,
    scratch: PathBuf,
    /// The floor's own target, in a folder without a watch.
    other: PathBuf,
    history: PathBuf,
    good: Vec<u8>,
    broken: Vec<u8>,
}

/// Every round of the heal has one of the floor beside it, and the peer's are spread over all of them: what else the disk does hits all
/// alike.
fn measure(root: &Path, args: &Args) -> anyhow::Result<Measured> {
    let files = files(root)?;
    let mut measured = Measured::default();
    let peer =
        || Shell::start(&root.join("etc/kubernetes/peer"), &files.good, &files.broken, args.shell_sync);
    let mut shell = (args.shell_rounds > 0).then(peer).transpose()?;
    for round in 0..args.rounds {
        let (seen, done) = one_heal(&files)?;
        measured.visible.push(seen);
        measured.durable.push(done);
        measured.floor.push(one_floor(&files)?);
        if let Some(shell) = &mut shell {
            for _ in 0..due(round, args) {
                measured.shell.push(shell.round()?);
            }
        }
    }
    Ok(measured)
}

/// Rounds of the peer that belong behind this round.
fn due(round: u32, args: &Args) -> u64 {
    let until = |round: u32| u64::from(round) * u64::from(args.shell_rounds) / u64::from(args.rounds);
    until(round + 1) - until(round)
}

fn files(root: &Path) -> anyhow::Result<Files> {
    let manifest = root.join("etc/kubernetes/manifests/kube-apiserver.yaml");
    let good = fs::read(&manifest)?;
    let empty = |line: &str| {
        if line.contains("--etcd-servers=") { "    - --etcd-servers=\n".into() } else { format!("{line}\n") }
    };
    let broken: String = String::from_utf8_lossy(&good).lines().map(empty).collect();
    let other = root.join("var/lib/floor/kube-apiserver.yaml");
    fs::create_dir_all(other.parent().unwrap_or(root))?;
    fs::write(&other, &good)?;
    Ok(Files {
        manifest,
        scratch: root.join("etc/kubernetes/tmp"),
        other,
        history: root.join("var/lib/podlift/heal/history.jsonl"),
        good,
        broken: broken.into_bytes(),
    })
}

/// Both clocks are the boot clock: the agent's own record says when the directory of the repaired file was on the disk, which no client can
/// see from outside. Returns when the file was to be seen, and that.
fn one_heal(files: &Files) -> anyhow::Result<(u64, u64)> {
    let new = files.scratch.join("bench-new.yaml");
    fs::write(&new, &files.broken)?;
    File::open(&new)?.sync_all()?;
    let inode = fs::metadata(&new)?.ino();
    let known = fs::metadata(&files.history).map_or(0, |m| m.len());
    let started = SystemClock.since_boot();
    fs::rename(&new, &files.manifest)?;
    let seen = replaced(&files.manifest, inode)?.saturating_sub(started);
    let done = recorded(&files.history, usize::try_from(known)?)?;
    if fs::read(&files.manifest)? != files.good {
        bail!("the repaired manifest differs from the good one");
    }
    let micros = |took: Duration| u64::try_from(took.as_micros());
    Ok((micros(seen)?, micros(done.saturating_sub(started))?))
}

/// When, on the boot clock, another file stands there.
pub fn replaced(path: &Path, inode: u64) -> anyhow::Result<Duration> {
    // Else each look would come 50 µs late, which is the kernel's slack for timers.
    nix::sys::prctl::set_timerslack(1)?;
    let started = Instant::now();
    while fs::metadata(path).map(|m| m.ino()).unwrap_or(inode) == inode {
        if started.elapsed() > LIMIT {
            bail!("{} was not repaired within {} s", path.display(), LIMIT.as_secs());
        }
        std::thread::sleep(Duration::from_micros(20));
    }
    Ok(SystemClock.since_boot())
}

/// When the heal was done that is recorded behind the first `known` bytes.
fn recorded(history: &Path, known: usize) -> anyhow::Result<Duration> {
    let started = Instant::now();
    while started.elapsed() < LIMIT {
        // Seldom enough not to be in the way.
        std::thread::sleep(Duration::from_millis(2));
        let bytes = fs::read(history).unwrap_or_default();
        let lines = bytes.get(known..).unwrap_or_default().split(|b| *b == b'\n');
        let lines: Vec<Value> = lines.filter_map(|line| serde_json::from_slice(line).ok()).collect();
        // An event of the heal before may come late: it is the one with the id of the newest intent.
        let intent = lines.iter().rev().map(|l| &l["intent"]).find(|l| l.is_object());
        let of = |intent: &Value| {
            lines.iter().map(|l| &l["event"]).find(|e| e.is_object() && e["id"] == intent["id"])
        };
        if let Some((intent, event)) = intent.and_then(|i| Some((i, of(i)?))) {
            let noticed: Duration = serde_json::from_value(intent["clock"].clone())?;
            let latency = event["latency_us"].as_u64().context("an event without latency")?;
            return Ok(noticed + Duration::from_micros(latency));
        }
    }
    bail!("the manifest was not repaired within {} s", LIMIT.as_secs())
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
