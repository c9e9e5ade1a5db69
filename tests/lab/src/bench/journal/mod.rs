//! What a long journal costs: appends alone and while ten readers read all of it; a coordinator that starts on it; the status of one node;
//! memory. Then the ended run is archived, and the start is measured again.
#![allow(clippy::disallowed_methods)] // this is an edge: it measures

mod appends;
mod made;

use super::fleet::{peak_rss_mib, rss_mib};
use super::stats::Samples;
use crate::supervisor::{Before, COORDINATOR, HealMode, Lab, Options, Tuning};
use crate::world::Shape;
use anyhow::{Context as _, ensure};
use podlift_coordinator::journal::{Journal as _, SqliteJournal};
use serde_json::{Map, Value, json};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Records of the journal
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1_000..=10_000_000))]
    records: u64,
    /// Nodes that they are about
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u32).range(8..=10_000))]
    nodes: u32,
    /// How many appends are measured, alone and beside readers
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u32).range(100..=100_000))]
    appends: u32,
    /// How often the node's status is asked for
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rounds: u32,
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
}

/// How long a coordinator may take to listen.
const LISTENS: Duration = Duration::from_secs(120);

pub fn main(args: &Args) -> anyhow::Result<ExitCode> {
    podlift_common::tls::install_provider();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let figures = runtime.block_on(async {
        let lab = lab().await?;
        let measured = measure(&lab, args).await;
        if measured.is_err() {
            anstream::eprintln!("{}", lab.log_tails());
        }
        lab.stop().await;
        measured
    })?;
    match args.json {
        true => anstream::println!("{figures}"),
        false => anstream::println!(
            "{} records: append p99 {} µs, {} µs beside ten readers (at most 1.2 times); start {} ms (at most 3000), status of a node {} ms \
             (at most 100), {} MiB (at most 400)\nafter the archive of the ended run: start {} ms, {} MiB",
            figures["records"],
            figures["append_p99_us"],
            figures["append_p99_us_read"],
            figures["start_ms"],
            figures["status_node_ms"],
            figures["rss_mib"],
            figures["archived_start_ms"],
            figures["archived_rss_mib"]
        ),
    }
    Ok(ExitCode::SUCCESS)
}

/// API servers for the coordinator, and no agents: the nodes are those of the journal.
async fn lab() -> anyhow::Result<Lab> {
    let shape = Shape { workers: vec![], own_workers: 0, ..Shape::default() };
    let without_agent = shape.control_planes.iter().cloned().collect();
    let exe = std::env::current_exe().context("this program's own path")?;
    let options = Options { shape, heal: HealMode::Enforce, exe, coordinator: false };
    Lab::start_tuned(options, Tuning::default(), Before { without_agent, ..Before::default() }).await
}

async fn measure(lab: &Lab, args: &Args) -> anyhow::Result<Value> {
    let mut figures = Map::new();
    let (own, journal) = (lab.at("head/made.db"), lab.at("head/journal.db"));
    tokio::task::block_in_place(|| prepare(&own, &journal, args, &mut figures))?;
    start(lab, "", &mut figures).await?;
    ask(lab, args, &mut figures).await?;
    let pid = lab.processes.pid(COORDINATOR).context("the coordinator")?;
    figures.insert("rss_mib".into(), json!(rss_mib(pid)?));
    figures.insert("peak_rss_mib".into(), json!(peak_rss_mib(pid)?));
    archive(lab, &mut figures).await?;
    Ok(Value::Object(figures))
}

/// Makes the journal, leaves a copy for the coordinator, and measures appends on the other.
fn prepare(own: &Path, journal: &Path, args: &Args, figures: &mut Map<String, Value>) -> anyhow::Result<()> {
    anstream::eprintln!("{} records about {} nodes are made", args.records, args.nodes);
    made::write(own, args.records, args.nodes)?;
    let began = Instant::now();
    // It is made in the first format: the index is added now.
    let head = SqliteJournal::open(own)?.head();
    figures.insert("migrate_ms".into(), json!(began.elapsed().as_millis()));
    figures.insert("records".into(), json!(head));
    ensure!(head == args.records, "{head} records were made");
    let bytes = std::fs::copy(own, journal)?;
    figures.insert("journal_mib".into(), json!(bytes >> 20));
    anstream::eprintln!("appends are measured");
    appends::measure(own, args.appends, figures)
}

/// From the start of the process to the moment at which it listens.
async fn start(lab: &Lab, prefix: &str, figures: &mut Map<String, Value>) -> anyhow::Result<()> {
    anstream::eprintln!("a coordinator is started on the journal");
    let began = Instant::now();
    lab.start_coordinator()?;
    while tokio::net::TcpStream::connect(lab.coordinator_address()).await.is_err() {
        lab.check_alive()?;
        ensure!(began.elapsed() < LISTENS, "the coordinator does not listen");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    figures.insert(format!("{prefix}start_ms"), json!(began.elapsed().as_millis()));
    Ok(())
}

async fn ask(lab: &Lab, args: &Args, figures: &mut Map<String, Value>) -> anyhow::Result<()> {
    let (mut samples, node) = (Samples::default(), made::worker(args.nodes / 2));
    for _ in 0..args.rounds {
        let asked = Instant::now();
        let called = lab.podlift(&["status", &node, "-o", "json"], false).await?;
        samples.push(u64::try_from(asked.elapsed().as_millis())?);
        ensure!(called.code == 0, "podlift status {node} exited {}\n{}", called.code, called.stderr);
        let events = called.json()?["events"].as_array().map_or(0, Vec::len);
        ensure!(events == 20, "{events} events of {node} are shown");
    }
    figures.insert("status_node_p50_ms".into(), json!(samples.percentile(50)));
    figures.insert("status_node_ms".into(), json!(samples.percentile(99)));
    let asked = Instant::now();
    let called = lab.podlift(&["events", "--run", "all", "-o", "json"], false).await?;
    figures.insert("events_ms".into(), json!(asked.elapsed().as_millis()));
    let lines = called.stdout.lines().count() as u64;
    ensure!(called.code == 0 && lines >= args.records, "podlift events showed {lines} records");
    Ok(())
}

async fn archive(lab: &Lab, figures: &mut Map<String, Value>) -> anyhow::Result<()> {
    anstream::eprintln!("the ended run is archived");
    let asked = Instant::now();
    let called = lab.podlift(&["runs", "archive", "--before", made::LATER], false).await?;
    ensure!(called.code == 0, "podlift runs archive exited {}\n{}", called.code, called.stderr);
    figures.insert("archive_ms".into(), json!(asked.elapsed().as_millis()));
    let called = lab.podlift(&["runs", "verify"], false).await?;
    ensure!(called.code == 0, "podlift runs verify exited {}\n{}", called.code, called.stderr);
    lab.stop_process(COORDINATOR).await;
    start(lab, "archived_", figures).await?;
    let pid = lab.processes.pid(COORDINATOR).context("the coordinator")?;
    figures.insert("archived_rss_mib".into(), json!(rss_mib(pid)?));
    Ok(())
}
