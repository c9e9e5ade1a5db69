//! `podlift`, the command line: one verb a file below `verbs`, what people read below `render`. stdout is data, stderr is narration, the
//! exit code says how it ended. It only asks the coordinator; nothing here touches a node, the cluster or the journal.

mod args;
mod client;
mod config;
mod error;
mod follow;
#[cfg(test)]
mod help_tests;
mod out;
mod progress;
mod render;
mod table;
#[cfg(test)]
mod tests;
mod usage;
mod verbs;
mod version;
mod watch;

use args::{Args, Verb};
use clap::Parser as _;
use error::{CliError, Exit};
use out::{Colour, Format};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// What every verb gets.
#[derive(Clone)]
struct Context {
    config: PathBuf,
    format: Format,
    heard: Arc<version::Heard>,
}

/// Runs one command line, the program's name first.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let words: Vec<OsString> = args.into_iter().collect();
    // Before anything is printed, and that is before the line is understood.
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
    let ended = runtime.block_on(run(args));
    // A thread that waits for a key must not keep the process.
    runtime.shutdown_background();
    end(ended)
}

async fn run(args: Args) -> Result<Exit, CliError> {
    let context = Context { config: args.config, format: args.output, heard: Arc::default() };
    match args.verb {
        Verb::Plan(verb) => verb.run(&context).await,
        Verb::Upgrade(verb) => verb.run(&context).await,
        Verb::Status(verb) => verb.run(&context).await,
        Verb::Watch(verb) => verb.run(&context).await,
        Verb::Runs(verb) => verb.run(&context).await,
        Verb::Events(verb) => verb.run(&context).await,
        Verb::Pause(verb) => verb.run(&context).await,
        Verb::Resume(verb) => verb.run(&context).await,
        Verb::Retry(verb) => verb.run(&context).await,
        Verb::Abort(verb) => verb.run(&context).await,
        Verb::Defer(verb) => verb.run(&context).await,
        Verb::Approve(verb) => verb.run(&context).await,
        Verb::Attest(verb) => verb.run(&context).await,
        Verb::Report(verb) => verb.run(&context).await,
        Verb::Heal(verb) => verb.run(&context).await,
        Verb::Backup(verb) => verb.run(&context).await,
        Verb::Takeover(verb) => verb.run(&context).await,
        Verb::Adopt(verb) => verb.run(&context).await,
        Verb::Cert(verb) => verb.run(),
        Verb::Completion(verb) => verb.run(),
        Verb::Man(verb) => verb.run(),
    }
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
