//! `podlift`, the command line: arguments, rendering and drawing. Each verb is a file in `verbs`; the text for people is in `render`. Data
//! goes to stdout, narration to stderr, and the exit code gives the kind of end.
//!
//! This crate only asks the coordinator, through `podlift_client`. It never touches a node, the cluster or the journal.
//!
//! It is a crate of its own so that the daemon is built without terminal libraries.

mod args;
mod confirm;
mod context;
#[cfg(test)]
mod docs_tests;
mod error;
mod follow;
#[cfg(test)]
mod help_tests;
mod out;
#[cfg(test)]
mod printed_tests;
mod progress;
mod render;
mod table;
#[cfg(test)]
mod tests;
mod typed;
mod usage;
mod verbs;
mod watch;

use args::{Args, Verb};
use clap::Parser as _;
use context::Context;
use error::{CliError, Exit};
use out::{Colour, Format};
use std::ffi::OsString;
use std::process::ExitCode;
use typed::Typed;

/// Runs one command line. The first argument is the program's name.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let words: Vec<OsString> = args.into_iter().collect();
    // Colour must be set before anything is printed, so before the line is parsed.
    args::colour(&words).unwrap_or(Colour::Auto).set();
    let args = match Args::try_parse_from(&words) {
        Ok(args) => args,
        Err(error) => return usage::end(&error, &words),
    };
    podlift_common::tls::install_provider();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return end(Err(CliError::failed("podlift can't start", error))),
    };
    let ended = runtime.block_on(run(args, Typed::new(&words)));
    // The process must not wait for the thread that reads keys.
    runtime.shutdown_background();
    end(ended)
}

/// Parses a command line as `main` would, and runs nothing. The first word is the program's name. `Err` is clap's own text.
pub fn parse(words: &[&str]) -> Result<(), String> {
    Args::try_parse_from(words).map(|_| ()).map_err(|error| error.to_string())
}

async fn run(args: Args, typed: Typed) -> Result<Exit, CliError> {
    match args.output {
        Format::Html if !matches!(args.verb, Verb::Report(_)) => return Err(no_page()),
        Format::Junit if !matches!(args.verb, Verb::Validate(_)) => return Err(no_tests()),
        _ => {}
    }
    let context = Context { typed, ..Context::new(args.config, args.output) };
    match args.verb {
        Verb::Plan(verb) => verb.run(&context).await,
        Verb::Upgrade(verb) => verb.run(&context).await,
        Verb::Repair(verb) => verb.run(&context).await,
        Verb::Status(verb) => verb.run(&context).await,
        Verb::Watch(verb) => verb.run(&context).await,
        Verb::Dashboard(verb) => verb.run(&context).await,
        Verb::Validate(verb) => verb.run(&context).await,
        Verb::Issues(verb) => verb.run(&context),
        Verb::Runs(verb) => verb.run(&context).await,
        Verb::Clusters(verb) => verb.run(&context).await,
        Verb::Events(verb) => verb.run(&context).await,
        Verb::Pause(verb) => verb.run(&context).await,
        Verb::Resume(verb) => verb.run(&context).await,
        Verb::Retry(verb) => verb.run(&context).await,
        Verb::Abort(verb) => verb.run(&context).await,
        Verb::Defer(verb) => verb.run(&context).await,
        Verb::Include(verb) => verb.run(&context).await,
        Verb::Node(verb) => verb.run(&context).await,
        Verb::Set(verb) => verb.run(&context).await,
        Verb::Approve(verb) => verb.run(&context).await,
        Verb::Attest(verb) => verb.run(&context).await,
        Verb::Report(verb) => verb.run(&context).await,
        Verb::Heal(verb) => verb.run(&context).await,
        Verb::Backup(verb) => verb.run(&context).await,
        Verb::Secret(verb) => verb.run(&context).await,
        Verb::Takeover(verb) => verb.run(&context).await,
        Verb::Adopt(verb) => verb.run(&context).await,
        Verb::Cert(verb) => verb.run(),
        Verb::Completion(verb) => verb.run(),
        Verb::Man(verb) => verb.run(),
    }
}

/// Only a report is a page.
fn no_page() -> CliError {
    let why = "only a report is a page; expected table, wide, json or yaml";
    CliError::usage("--output html is not known to this command", why, "podlift report -o html > report.html")
}

/// Only a validation is a list of tests.
fn no_tests() -> CliError {
    let why = "only a validation is a list of tests; expected table, wide, json or yaml";
    CliError::usage(
        "--output junit is not known to this command",
        why,
        "podlift validate -o junit > validation.xml",
    )
}

fn end(ended: Result<Exit, CliError>) -> ExitCode {
    match ended {
        Ok(exit) => exit.into(),
        Err(error) => {
            if !error.is_quiet() {
                out::narrate(&error.render());
            }
            error.exit.into()
        }
    }
}
