//! `podlift-lab`: the demo, a lab that stays, the bench, and itself as the product's programs and as the doubles' thin client.

use crate::bad_input::BadInput;
use crate::supervisor::{child, client};
use crate::{bench, demo, simulate, up};
use clap::{Parser, Subcommand};
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

/// A whole SuperPOD on this machine: watch podlift upgrade it.
#[derive(Debug, Parser)]
#[command(name = "podlift-lab", version)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Upgrade a lab SuperPOD through a scenario, and judge what happened
    Demo(demo::Args),
    /// Keep a lab running, and print the environment for podlift and kubectl
    Up(up::Args),
    /// Measure the product on this machine
    Bench(bench::Args),
    /// Upgrade a trace of jobs in three orders of the workers, and compare what each costs
    Simulate(simulate::Args),
}

/// `args` begin with the program's name. The programs that the lab re-executes itself as are no subcommands for people.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    if let Some(asked) = args.first().and_then(|program| client::asked_as(Path::new(program))) {
        let words = args.iter().skip(1).map(|a| a.to_string_lossy().into_owned()).collect();
        return client::main(asked, words);
    }
    let named = |name: &str| [OsString::from(name)].into_iter().chain(args.iter().skip(2).cloned());
    match args.get(1).and_then(|a| a.to_str()) {
        Some("agent") => {
            child::follow_supervisor();
            podlift_agent::main(named("podlift-agent"))
        }
        Some("coordinator") => {
            child::follow_supervisor();
            podlift_coordinator::main(named("podlift-coordinator"))
        }
        Some("podlift") => podlift_cli::main(named("podlift")),
        _ => people(args),
    }
}

/// The program beside `podlift-lab` that is nothing but the doubles' client.
pub fn tool(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut args = args.into_iter();
    let asked = args.next().and_then(|program| client::asked_as(Path::new(&program)));
    let Some(asked) = asked else {
        anstream::eprintln!(
            "podlift-lab-tool is called by a lab under the name of a node's tool; `podlift-lab demo` starts one"
        );
        return ExitCode::from(2);
    };
    client::main(asked, args.map(|a| a.to_string_lossy().into_owned()).collect())
}

fn people(args: Vec<OsString>) -> ExitCode {
    let args = match Args::try_parse_from(args) {
        Ok(args) => args,
        Err(error) => {
            drop(error.print());
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let done = match args.command {
        Command::Demo(args) => demo::main(args),
        Command::Up(args) => up::main(&args),
        Command::Bench(args) => bench::main(args),
        Command::Simulate(args) => simulate::main(&args),
    };
    done.unwrap_or_else(|error| {
        anstream::eprintln!("podlift-lab: {error:#}");
        if error.is::<BadInput>() { ExitCode::from(2) } else { ExitCode::FAILURE }
    })
}
