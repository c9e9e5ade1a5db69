//! `podlift-lab demo`: starts a lab, does what an operator would do, and judges the end by the run's report and the World's own audit.

mod director;
mod heal_story;
mod judge;
mod list;
mod operator;
mod preflight;
mod report;
mod scenario;
mod summary;

use crate::size::Size;
use crate::supervisor::{Before, Lab, Options};
use anyhow::Context as _;
use director::Director;
use judge::Verdict;
use operator::Story;
use scenario::Scenario;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// What happens: a name that --list shows, or the path of a file of your own
    #[arg(long, value_name = "NAME|FILE", default_value = "bad-night")]
    scenario: String,
    /// Show all scenarios and how each ends
    #[arg(long)]
    list: bool,
    #[command(flatten)]
    size: Size,
    /// Where report.json and the logs go
    #[arg(long)]
    out: Option<PathBuf>,
    /// The report (with --list: the scenarios) as JSON on stdout
    #[arg(long)]
    json: bool,
}

pub fn main(args: Args) -> anyhow::Result<ExitCode> {
    if args.list {
        let text = if args.json { list::json()?.to_string() } else { list::text()? };
        anstream::println!("{text}");
        return Ok(ExitCode::SUCCESS);
    }
    crate::interrupt::until_interrupted(run(&args))
}

/// A lab as this scenario describes it, after its `before` actions; agents and coordinator may not be connected yet.
pub async fn prepare(wanted: &str, size: &Size) -> anyhow::Result<(Lab, Scenario, Arc<Director>)> {
    let scenario = scenario::find(wanted)?;
    let size = size.at_least(scenario.cluster.workers);
    let shape = scenario.shape(size.shape()?);
    scenario::check(&scenario, &shape)?;
    anstream::eprintln!("scenario {}: {}", scenario.name, scenario.description);
    let exe = std::env::current_exe().context("this program's own path")?;
    let options = Options { shape, heal: scenario.heal, exe, coordinator: true };
    let lab =
        Lab::start_tuned(options, scenario.config.clone(), before(&scenario, &size.to.to_string())).await?;
    let director = Director::new(&lab, &scenario, &size.to.to_string()).await?;
    Ok((lab, scenario, director))
}

/// What is done before anything runs: the problems of a scenario and their near misses.
fn before(scenario: &Scenario, to: &str) -> Before {
    let actions: Vec<_> =
        scenario.problems.iter().flat_map(|p| p.actions.iter().chain(&p.near_do)).cloned().collect();
    let to = to.to_string();
    let bcm = scenario.bcm.clone();
    let seed = move |world: &crate::world::World| {
        bcm.sow(world);
        for action in &actions {
            anyhow::ensure!(
                director::sow(world, &to, action)?,
                "{action:?} can't be done before the lab starts"
            );
        }
        Ok(())
    };
    let without_agent = scenario.cluster.without_agent.iter().cloned().collect();
    Before { seed: Some(Box::new(seed)), without_agent }
}

async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    let (lab, scenario, director) = prepare(&args.scenario, &args.size).await?;
    if scenario.plans_only() {
        return preflight::run(lab, &scenario, &director, args, started).await;
    }
    if scenario.only_heal {
        return heal_story::run(lab, &scenario, &director, args, started).await;
    }
    let result = play_through(&lab, &scenario, &director, args).await;
    if let Some(out) = &args.out {
        lab.keep_logs(&out.join("log"))?;
    }
    let story = match result {
        Ok(story) => story,
        Err(error) => {
            anstream::eprintln!("{}", lab.log_tails());
            lab.stop().await;
            return Err(error);
        }
    };
    let verdict = judge::judge(&scenario, &story, &lab.world, &director, args.size.to);
    let seconds = started.elapsed().as_secs_f64();
    lab.stop().await;
    let document = report::enrich(&scenario, &story, &verdict, seconds);
    if let Some(out) = &args.out {
        report::write(out, &document)?;
    }
    match args.json {
        true => anstream::println!("{document}"),
        false => anstream::println!("{}", summary::text(&scenario, &story, &verdict, seconds)),
    }
    Ok(end(&verdict))
}

fn end(verdict: &Verdict) -> ExitCode {
    if verdict.ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn play_through(
    lab: &Lab,
    scenario: &Scenario,
    director: &Director,
    args: &Args,
) -> anyhow::Result<Story> {
    lab.ready().await?;
    operator::play(lab, scenario, director, args.size.to).await
}
