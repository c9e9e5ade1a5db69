//! `podlift-lab simulate`: months of a job trace, upgraded in three orders of the workers, by the product's own scheduler.

use crate::bad_input::BadInput;
use podlift_engine::program::SitePolicy;
use podlift_simulate::{Trace, compare, render_svg, render_table};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Jobs of a cluster, as tests/simulate/traces/README.md describes them
    #[arg(long, value_name = "FILE")]
    trace: PathBuf,
    /// A policy.toml, of which the table [rollout] counts; without it the default policy
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Also draw the comparison into this file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// One JSON object on stdout instead of the table
    #[arg(long)]
    json: bool,
}

pub fn main(args: &Args) -> anyhow::Result<ExitCode> {
    let trace = Trace::read(&text(&args.trace)?).map_err(|e| bad(&args.trace, &e))?;
    let policy = args.policy.as_deref().map(policy).transpose()?.unwrap_or_default();
    let seen = compare(&trace, &policy.rollout);
    if let Some(path) = &args.svg {
        podlift_common::durable::write(path, render_svg(&seen).as_bytes(), 0o644)
            .map_err(|e| bad(path, &e))?;
    }
    match args.json {
        true => anstream::println!("{}", serde_json::to_string_pretty(&seen)?),
        false => anstream::print!("{}", render_table(&seen)),
    }
    Ok(ExitCode::SUCCESS)
}

fn policy(path: &Path) -> anyhow::Result<SitePolicy> {
    let policy: SitePolicy =
        podlift_common::config::parse(&text(path)?, path).map_err(|e| BadInput(e.to_string()))?;
    policy.validate().map_err(|e| bad(path, &e))?;
    Ok(policy)
}

fn text(path: &Path) -> Result<String, BadInput> {
    podlift_common::durable::read_to_string(path).map_err(|e| bad(path, &e))
}

fn bad(path: &Path, why: &dyn std::fmt::Display) -> BadInput {
    BadInput(format!("{}: {why}", path.display()))
}
