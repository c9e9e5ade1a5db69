//! `podlift-lab bench`: measures, prints figures, judges only by the budget that the design names.

mod heal;
mod stats;

use clap::Subcommand;
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// From a broken manifest's rename to its repaired file, beside the same writes alone
    Heal(heal::Args),
}

pub fn main(args: Args) -> anyhow::Result<ExitCode> {
    match args.what {
        What::Heal(args) => heal::main(&args),
    }
}
