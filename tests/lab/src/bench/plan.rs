//! What a plan costs: `podlift plan -o json` as a process of its own, over a coordinator with thousands of agents, of which each makes a
//! whole survey, and a cluster with tens of thousands of pods.
#![allow(clippy::disallowed_methods)] // this is an edge: it measures

use super::fleet::{self, cpu_seconds, peak_rss_mib, rss_mib};
use crate::supervisor::{Before, COORDINATOR, Lab};
use crate::world::{Shape, World, pods, site};
use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use std::process::ExitCode;
use std::time::Instant;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Nodes, each with an agent
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u32).range(4..=10_000))]
    nodes: u32,
    /// Pods beside those that every node has
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(0..=200_000))]
    pods: u32,
    /// How many plans are made; the slowest counts
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
}

const TO: &str = "v1.32.9";
/// Of one ReplicaSet.
const REPLICAS: u32 = 200;
/// The doubles' own time is not what is measured.
const FACTOR: u32 = 10;

pub fn main(args: &Args) -> anyhow::Result<ExitCode> {
    let count = args.pods;
    let before = Before { seed: Some(Box::new(move |w| crowd(w, count))), ..Before::default() };
    let shape = Shape { factor: FACTOR, ..Shape::default() };
    let figures = fleet::with_world(args.nodes, shape, before, async |lab: &Lab| measure(lab, args).await)?;
    match args.json {
        true => anstream::println!("{figures}"),
        false => anstream::println!(
            "a plan of {} nodes and {} pods: {} ms (at most 10000), coordinator {} MiB (at most 300), {} surveys",
            figures["nodes"],
            figures["pods"],
            figures["plan_ms"],
            figures["coordinator_rss_mib"],
            figures["surveyed"]
        ),
    }
    Ok(ExitCode::SUCCESS)
}

async fn measure(lab: &Lab, args: &Args) -> anyhow::Result<Value> {
    let pid = lab.processes.pid(COORDINATOR).context("the coordinator")?;
    let idle = rss_mib(pid)?;
    let (own, coordinators) = (cpu_seconds(std::process::id())?, cpu_seconds(pid)?);
    let (mut slowest, mut surveyed) = (0, 0);
    for _ in 0..args.rounds {
        let asked = Instant::now();
        let called = lab.podlift(&["plan", "--to", TO, "-o", "json"], false).await?;
        slowest = slowest.max(asked.elapsed().as_millis());
        ensure!(matches!(called.code, 0 | 3), "podlift plan exited {}\n{}", called.code, called.stderr);
        surveyed = args.nodes as usize - unseen(&called.json()?)?;
    }
    Ok(json!({
        "nodes": args.nodes, "pods": lab.world.lock().api.pods().count(), "plan_ms": slowest, "surveyed": surveyed,
        // Of all rounds: what the coordinator used, and what the agents and their doubles used on the same machine.
        "coordinator_cpu_s": round(cpu_seconds(pid)? - coordinators), "agents_cpu_s": round(cpu_seconds(std::process::id())? - own),
        "coordinator_idle_rss_mib": idle, "coordinator_rss_mib": peak_rss_mib(pid)?,
    }))
}

fn round(seconds: f64) -> f64 {
    (seconds * 10.0).round() / 10.0
}

/// Nodes of which the plan says that it could not look.
fn unseen(plan: &Value) -> anyhow::Result<usize> {
    let findings = plan["findings"].as_array().context("a plan without findings")?;
    let whole = |f: &&Value| {
        let evidence = f["evidence"].as_str().unwrap_or_default();
        f["check"] == "survey"
            && (evidence.starts_with("the node can't") || evidence.contains("not surveyed"))
    };
    Ok(findings.iter().filter(whole).map(|f| if f["node"].is_string() { 1 } else { usize::MAX / 2 }).sum())
}

/// ReplicaSets of a training namespace, spread over all workers.
pub fn crowd(world: &World, count: u32) -> anyhow::Result<()> {
    let (shape, now) = (&world.shape, world.clock.now());
    for first in (0..count).step_by(REPLICAS as usize) {
        let replicas = REPLICAS.min(count - first);
        let name = format!("train-{first:06}");
        let labels = json!({"app": name});
        let mut deployment =
            crate::world::cast::object("apps/v1", "Deployment", "runai", &name, json!({}), now);
        deployment["metadata"]["generation"] = json!(1);
        deployment["spec"] = json!({"replicas": replicas, "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "train", "image": "nvcr.io/nvidia/pytorch:25.09-py3"}]}}});
        deployment["status"] =
            json!({"observedGeneration": 1, "replicas": replicas, "readyReplicas": replicas});
        let mut set = pods::replica_set(&deployment, now);
        set["status"] = json!({"replicas": replicas, "readyReplicas": replicas, "observedGeneration": 1});
        let all: Vec<Value> = (0..replicas)
            .map(|i| {
                let node = &shape.workers[(first + i) as usize % shape.workers.len()];
                pods::pod(&set, "ReplicaSet", &format!("{name}-{i:05}"), node, shape, now)
            })
            .collect();
        world.update(|s| {
            site::object(&mut s.api, "apps", "deployments", deployment);
            site::object(&mut s.api, "apps", "replicasets", set);
            all.into_iter().for_each(|pod| site::object(&mut s.api, "", "pods", pod));
        });
    }
    Ok(())
}
