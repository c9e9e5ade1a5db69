//! `podlift-machines`: a machine for a look by hand, and the care for what machines leave.

use clap::{Parser, Subcommand};
use podlift_machines::{apart, clean, scratch, up};
use std::path::PathBuf;
use std::process::ExitCode;

/// Machines of the test tier, by hand.
#[derive(Debug, Parser)]
#[command(name = "podlift-machines", version)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Boot one plain machine with the local package repositories, and stay until Ctrl-C
    Up {
        /// A whole fleet: head, three control planes, two workers, not yet upgraded
        #[arg(long)]
        fleet: bool,
    },
    /// Make the base tree of all machines where it is missing
    Base,
    /// Say what machines left on this machine; exit 1 if that is anything
    Left,
    /// Take away what killed runs left
    Sweep,
    /// Wait for the end of stdin, then take this fleet away
    #[command(hide = true)]
    Reap { scratch: PathBuf },
}

fn main() -> ExitCode {
    podlift_common::tls::install_provider();
    match run(Args::parse().command) {
        Ok(code) => code,
        Err(error) => {
            anstream::eprintln!("podlift-machines: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Up { fleet } => {
            let (base, exe) = (up::prepare()?, std::env::current_exe()?);
            apart::run(async move {
                match fleet {
                    true => up::stay_fleet(base, &exe).await,
                    false => up::stay(base, &exe).await,
                }
            })?;
        }
        Command::Base => drop(up::prepare()?),
        Command::Left => {
            let left = clean::left(&scratch::base());
            left.iter().for_each(|l| anstream::eprintln!("left by the machine tier: {l}"));
            return Ok(if left.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        Command::Sweep => clean::sweep(&scratch::base()),
        Command::Reap { scratch } => clean::until_alone(&scratch),
    }
    Ok(ExitCode::SUCCESS)
}
