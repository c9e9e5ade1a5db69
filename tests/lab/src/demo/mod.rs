//! `podlift-lab demo`: starts a lab, does what an operator would do, and judges the end by the run's report and the World's own audit.

mod judge;
mod operator;
mod report;
mod scenario;
mod summary;

use crate::load::Carry;
use crate::supervisor::{Lab, Options, Pace};
use anyhow::Context as _;
use judge::Verdict;
use operator::Story;
use scenario::Scenario;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;
use tokio::signal::unix::{SignalKind, signal};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// What happens
    #[arg(long, value_enum, default_value = "bad-night")]
    scenario: scenario::Name,
    /// Where report.json and the logs go
    #[arg(long)]
    out: Option<PathBuf>,
    /// The report on stdout instead of a summary
    #[arg(long)]
    json: bool,
}

pub fn main(args: Args) -> anyhow::Result<ExitCode> {
    podlift_common::tls::install_provider();
    podlift_common::telemetry::init("warn", podlift_common::telemetry::LogFormat::Text);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let (mut int, mut term) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        tokio::select! {
            done = run(&args) => done,
            _ = int.recv() => interrupted(),
            _ = term.recv() => interrupted(),
        }
    })
}

/// What was started is dropped, and with it every process.
fn interrupted() -> anyhow::Result<ExitCode> {
    anstream::eprintln!("interrupted: the lab is taken down");
    Ok(ExitCode::from(130))
}

async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let scenario = scenario::get(args.scenario);
    let started = Instant::now();
    anstream::eprintln!("scenario {}: {}", scenario.name, scenario.story);
    let exe = std::env::current_exe().context("this program's own path")?;
    let mut lab = Lab::start(Options {
        shape: scenario.shape.clone(),
        heal: scenario.heal,
        exe,
        coordinator: true,
        carry: Carry::None,
        pace: Pace::Lab,
    })
    .await?;
    let told = tell(&mut lab, &scenario).await;
    if let Some(out) = &args.out {
        lab.keep_logs(&out.join("log"))?;
    }
    let story = match told {
        Ok(story) => story,
        Err(error) => {
            anstream::eprintln!("{}", lab.log_tails());
            lab.stop().await;
            return Err(error);
        }
    };
    let verdict = judge::judge(&scenario, &story, &lab.world);
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

async fn tell(lab: &mut Lab, scenario: &Scenario) -> anyhow::Result<Story> {
    lab.ready().await?;
    operator::play(lab, scenario).await
}
