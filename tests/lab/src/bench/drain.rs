//! What a drain of many nodes costs: podlift's, with its shared watch, beside the real `kubectl drain`, against the same API servers in one
//! run, with as many nodes at once and the same pods on each. Requests are those of the drains' own identity, counted where they are
//! answered.
#![allow(clippy::disallowed_methods)] // this is an edge: it measures, and starts kubectl

use super::bars;
use crate::objects::Key;
use crate::supervisor::{Before, HealMode, Lab, Options, Tuning};
use crate::world::{Shape, World, pods, site};
use anyhow::{Context as _, ensure};
use futures_util::future::try_join_all;
use podlift_coordinator::Cluster as _;
use podlift_coordinator::cluster::{KubeCluster, Prober, connect, connect_for_watches};
use podlift_engine::ClusterAct;
use podlift_engine::doors::{ApiProbe, DrainOptions};
use podlift_model::{Epoch, InstanceId, NodeName, RunId};
use serde_json::{Value, json};
use std::ffi::OsString;
use std::process::{ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Nodes that each of the two drains at once
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=500))]
    nodes: u32,
    /// Pods of each node that have to go
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=500))]
    pods: u32,
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
}

/// From an accepted eviction to the pod's end: the doubles' longest, in real time.
const TERMINATION: Duration = Duration::from_secs(2);
/// Of one drain.
const LIMIT: u32 = 600;
/// Kubeconfig of both, in the lab's folder: an API server without the proxy before it, which would hold two more files open for each of
/// thousands of connections.
const KUBECONFIG: &str = "person/kubeconfig";
/// Whose requests are counted.
const USER: &str = crate::api::COORDINATOR;
/// Names of the nodes by the first letter of who drains them.
const OURS: &str = "p";
const THEIRS: &str = "k";

struct NoProber;

#[async_trait::async_trait]
impl Prober for NoProber {
    async fn probe(&self, endpoint: &str) -> ApiProbe {
        ApiProbe { endpoint: endpoint.into(), ok: true, why: String::new() }
    }
}

pub fn main(args: &Args) -> anyhow::Result<ExitCode> {
    podlift_common::tls::install_provider();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let figures = runtime.block_on(run(args))?;
    match args.json {
        true => anstream::println!("{figures}"),
        false => anstream::println!(
            "{} nodes with {} pods each: podlift {} s and {} requests, kubectl {} s and {} requests; wall {} (at most {}), requests {} (at most {}; {} if nothing but the evictions were asked)",
            args.nodes,
            args.pods,
            figures["podlift_s"],
            figures["podlift_requests"],
            figures["kubectl_s"],
            figures["kubectl_requests"],
            figures["wall_ratio"],
            figures["bars"]["wall_ratio"],
            figures["request_ratio"],
            figures["bars"]["request_ratio"],
            figures["request_ratio_least"],
        ),
    }
    let missed = bars::missed(&figures);
    missed.iter().for_each(|bar| anstream::eprintln!("missed: {bar}"));
    Ok(if missed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// podlift's time as a share of kubectl's, at most.
const WALL: f64 = 0.7;
/// The same of requests. Each pod costs an eviction, whoever drains: where these alone are more than this, the bar is a tenth above them.
const REQUESTS: f64 = 0.3;
const ABOVE_LEAST: f64 = 1.1;

fn request_bar(least: f64) -> f64 {
    if least < REQUESTS { REQUESTS } else { least * ABOVE_LEAST }
}

fn names(of: &str, nodes: u32) -> impl Iterator<Item = String> {
    (0..nodes).map(move |i| format!("{of}{i:03}"))
}

async fn run(args: &Args) -> anyhow::Result<Value> {
    let workers: Vec<String> = names(OURS, args.nodes).chain(names(THEIRS, args.nodes)).collect();
    let shape =
        Shape { workers: workers.clone(), own_workers: 0, factor: 1, inference: (0, 0), ..Shape::default() };
    let without_agent = shape.nodes().cloned().collect();
    let count = args.pods;
    let before = Before { seed: Some(Box::new(move |world| fill(world, count))), without_agent };
    let exe = std::env::current_exe().context("this program's own path")?;
    let options = Options { shape, heal: HealMode::Off, exe, coordinator: false };
    let lab = Lab::start_tuned(options, Tuning::default(), before).await?;
    let measured = measure(&lab, args).await;
    lab.stop().await;
    measured
}

/// Pods of a Job on every worker: nothing makes them again.
fn fill(world: &World, count: u32) -> anyhow::Result<()> {
    let now = world.clock.now();
    let owner = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "train", "namespace": "runai", "uid": "o-train"},
        "spec": {"template": {"metadata": {"labels": {"app": "train"}}, "spec": {"containers": [{"name": "c", "image": "registry.k8s.io/pause:3.10"}]}}}});
    world.update(|s| {
        // The garbage collector looks for the uid of an owner.
        let stands_for = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "train", "namespace": "runai", "uid": "o-train"}});
        s.api.put(Key::new("", "configmaps", "runai", "train"), stands_for);
        for node in &world.shape.workers {
            for i in 0..count {
                let pod = pods::pod(&owner, "Job", &format!("train-{node}-{i:03}"), node, &world.shape, now);
                site::object(&mut s.api, "", "pods", pod);
            }
        }
    });
    Ok(())
}

/// Requests so far.
fn asked(world: &World) -> u64 {
    world.traffic.of(USER).values().map(|c| c.requests).sum()
}

fn left(world: &World, of: &str) -> usize {
    let mine = |v: &Value| v["spec"]["nodeName"].as_str().is_some_and(|n| n.starts_with(of));
    world.lock().api.pods().filter(|(key, v)| key.name.starts_with("train-") && mine(v)).count()
}

async fn measure(lab: &Lab, args: &Args) -> anyhow::Result<Value> {
    let world = &lab.world;
    let all = left(world, OURS) + left(world, THEIRS);
    let whole = podlift_common::durable::read_to_string(&lab.at("head/kubeconfig"))?;
    let server = format!("{}:6443", world.shape.address(&world.shape.control_planes[0]));
    lab.save(KUBECONFIG, &whole.replace(&world.shape.proxy, &server))?;
    let (requests, started) = (asked(world), Instant::now());
    try_join_all(names(THEIRS, args.nodes).map(|node| drained_by_kubectl(lab, node))).await?;
    let (kubectl_s, kubectl_requests) = (started.elapsed().as_secs_f64(), asked(world) - requests);
    ensure!(left(world, THEIRS) == 0, "kubectl left {} pods", left(world, THEIRS));
    anstream::eprintln!("kubectl's drains are over; podlift's begin");
    let (requests, started) = (asked(world), Instant::now());
    drained_by_podlift(lab, args.nodes).await?;
    let (podlift_s, podlift_requests) = (started.elapsed().as_secs_f64(), asked(world) - requests);
    ensure!(left(world, OURS) == 0, "podlift left {} pods", left(world, OURS));
    let round = |n: f64| (n * 1000.0).round() / 1000.0;
    let least = (all / 2) as f64 / kubectl_requests as f64;
    Ok(json!({
        "nodes": args.nodes, "pods_per_node": args.pods, "evicted": all, "termination_s": TERMINATION.as_secs(),
        "podlift_s": round(podlift_s), "kubectl_s": round(kubectl_s), "wall_ratio": round(podlift_s / kubectl_s),
        "podlift_requests": podlift_requests, "kubectl_requests": kubectl_requests,
        "request_ratio": round(podlift_requests as f64 / kubectl_requests as f64), "request_ratio_least": round(least),
        "bars": {"wall_ratio": WALL, "request_ratio": round(request_bar(least))},
    }))
}

/// Cordons and drains these nodes side by side, as lanes of a run do.
async fn drained_by_podlift(lab: &Lab, nodes: u32) -> anyhow::Result<()> {
    let (kubeconfig, timeout) = (lab.at(KUBECONFIG), Duration::from_secs(30));
    let cluster = KubeCluster::new(connect(&kubeconfig, timeout).await?, Arc::new(NoProber), timeout)
        .with_watches(connect_for_watches(&kubeconfig, timeout).await?);
    let epoch = Epoch { number: 1, instance: InstanceId::new("bench")? };
    let run = RunId::new("bench")?;
    let (cluster, epoch, run) = (&cluster, &epoch, &run);
    let one = |node: String| async move {
        let node = NodeName::new(node)?;
        let cordon = ClusterAct::Cordon { node: node.clone(), run: run.clone(), from: None, held: vec![] };
        let options = DrainOptions::default();
        let drain = ClusterAct::Drain { node, run: run.clone(), seconds: LIMIT, options };
        for act in [cordon, drain] {
            cluster.act(&act, epoch).await.map_err(|f| anyhow::anyhow!("{}: {}", f.code, f.message))?;
        }
        anyhow::Ok(())
    };
    try_join_all(names(OURS, nodes).map(one)).await.map(drop)
}

async fn drained_by_kubectl(lab: &Lab, node: String) -> anyhow::Result<()> {
    let program = std::env::var_os("KUBECTL").unwrap_or_else(|| OsString::from("kubectl"));
    let limit = format!("--timeout={LIMIT}s");
    let output = tokio::process::Command::new(program)
        .args(["drain", &node, "--ignore-daemonsets", "--delete-emptydir-data", &limit])
        .env("KUBECONFIG", lab.at(KUBECONFIG))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .output()
        .await
        .context("kubectl could not be started: install version 1.32, or name it with KUBECTL=PATH")?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "kubectl drain {node} exited {}: {said}", output.status);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_below_the_evictions_alone_is_a_tenth_above_them() {
        assert_eq!((request_bar(0.2), (request_bar(0.5) * 100.0).round()), (0.3, 55.0));
    }
}
