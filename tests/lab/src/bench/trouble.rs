//! How long a plan and the start of its run take on a large cluster in which something is always wrong: of every twenty workers one is not
//! Ready, has no agent, is cordoned by another person, or does not end its survey. No node is named on the command line.
#![allow(clippy::disallowed_methods)] // this is an edge: it measures

use super::fleet;
use crate::supervisor::{Before, Lab};
use crate::world::{Fault, FaultAction, Shape, World};
use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::Instant;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Nodes, of which three are the control plane
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u32).range(84..=10_000))]
    nodes: u32,
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
}

const TO: &str = "v1.32.9";
/// The doubles' own time is not what is measured.
const FACTOR: u32 = 10;
/// One worker of so many is in trouble.
const ONE_OF: usize = 20;

/// Where the plan is kept, in the lab's folder.
const PLAN: &str = "person/plan.json";

/// The workers in trouble, by kind.
#[derive(Debug, Clone, Default)]
struct Troubled {
    not_ready: Vec<String>,
    without_agent: Vec<String>,
    cordoned: Vec<String>,
    silent: Vec<String>,
}

impl Troubled {
    fn of(workers: &[String]) -> Self {
        let mut out = Self::default();
        for (i, node) in workers.iter().step_by(ONE_OF).enumerate() {
            let kind = match i % 4 {
                0 => &mut out.not_ready,
                1 => &mut out.without_agent,
                2 => &mut out.cordoned,
                _ => &mut out.silent,
            };
            kind.push(node.clone());
        }
        out
    }

    /// Those that `--skip-unready` leaves out.
    fn unready(&self) -> BTreeSet<&str> {
        let all = self.not_ready.iter().chain(&self.without_agent).chain(&self.cordoned);
        all.map(String::as_str).collect()
    }

    fn sow(&self, world: &World) {
        self.not_ready.iter().for_each(|node| world.stop_kubelet(node));
        for node in &self.silent {
            world.add_fault(Fault::new("apt-get", "update", FaultAction::Hang).on(node).times(u32::MAX));
        }
    }
}

pub fn main(args: &Args) -> anyhow::Result<ExitCode> {
    let workers = fleet::workers(args.nodes);
    let troubled = Troubled::of(&workers);
    let (seeds, without_agent) = (troubled.clone(), troubled.without_agent.iter().cloned().collect());
    let seed = move |world: &World| {
        seeds.sow(world);
        Ok(())
    };
    let before = Before { seed: Some(Box::new(seed)), without_agent };
    let shape = Shape { factor: FACTOR, cordoned: troubled.cordoned.clone(), ..Shape::default() };
    let measure = async |lab: &Lab| measure(lab, args, &troubled).await;
    let figures = fleet::with_world(args.nodes, shape, before, measure)?;
    match args.json {
        true => anstream::println!("{figures}"),
        false => anstream::println!(
            "{} nodes, {} in trouble: the plan took {} s, the start of its run {} s; {} rows of nodes, {} of them left out",
            figures["nodes"],
            figures["troubled"],
            figures["plan_s"],
            figures["start_s"],
            figures["rows"],
            figures["left_out"]
        ),
    }
    Ok(ExitCode::SUCCESS)
}

async fn measure(lab: &Lab, args: &Args, troubled: &Troubled) -> anyhow::Result<Value> {
    let asked = Instant::now();
    let plan = lab.podlift(&["plan", "--to", TO, "--skip-unready", "-o", "json"], false).await?;
    let plan_s = seconds(asked);
    ensure!(plan.code == 0, "podlift plan exited {}\n{}\n{}", plan.code, plan.stdout, plan.stderr);
    let plan = plan.json()?;
    lab.save(PLAN, &plan.to_string())?;
    let file = lab.at(PLAN).display().to_string();
    let asked = Instant::now();
    let started = lab.podlift(&["upgrade", "--plan", &file, "--yes", "--detach"], false).await?;
    let start_s = seconds(asked);
    ensure!(
        started.code == 0,
        "podlift upgrade exited {}\n{}\n{}",
        started.code,
        started.stdout,
        started.stderr
    );
    let list = |key: &str| plan[key].as_array().cloned().with_context(|| format!("a plan without {key}"));
    let out = list("left_out")?;
    let named: BTreeSet<&str> = out.iter().filter_map(|row| row["node"].as_str()).collect();
    let unready = troubled.unready();
    let missing: Vec<&&str> = unready.difference(&named).collect();
    ensure!(missing.is_empty(), "workers that the plan does not leave out: {missing:?}");
    let status = lab.podlift(&["status", "-o", "json"], false).await?.json()?;
    ensure!(status["run"]["status"] == "running", "the run is {}", status["run"]);
    let rows = plan["inventory"]["nodes"].as_array().context("a plan without nodes")?.len();
    Ok(json!({
        "nodes": args.nodes, "troubled": unready.len() + troubled.silent.len(), "silent": troubled.silent.len(),
        "plan_s": plan_s, "start_s": start_s, "rows": rows, "left_out": out.len(), "findings": list("findings")?.len(),
    }))
}

fn seconds(since: Instant) -> f64 {
    (since.elapsed().as_secs_f64() * 10.0).round() / 10.0
}
