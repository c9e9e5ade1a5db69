//! `podlift`, the command line: one verb a file below `verbs`, what people read below `render`. stdout is data, stderr is narration, the
//! exit code says how it ended. It only asks the coordinator; nothing here touches a node, the cluster or the journal.

mod client;
mod config;
mod error;
mod follow;
mod out;
mod render;
#[cfg(test)]
mod tests;
mod verbs;

use clap::{Parser, Subcommand};
use error::{CliError, Exit};
use out::Format;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

/// Upgrades the Kubernetes of a SuperPOD, one minor version at a time.
///
/// Exit codes: 0 done, 1 failed, 2 usage, 3 preflight blocked, 4 paused for the operator, 5 coordinator unreachable, 130 interrupted
/// while following (the run goes on).
#[derive(Debug, Parser)]
#[command(name = "podlift", version, max_term_width = 110)]
struct Args {
    /// Where the coordinator is and who we are.
    #[arg(long, global = true, default_value = "/etc/podlift/podlift.toml")]
    config: PathBuf,
    /// How data is shown on stdout.
    #[arg(short, long, global = true, value_enum, default_value_t = Format::Table)]
    output: Format,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Plan(verbs::plan::Plan),
    Upgrade(verbs::upgrade::Upgrade),
    Status(verbs::status::Status),
    Events(verbs::events::Events),
    Pause(verbs::pause::Pause),
    Resume(verbs::resume::Resume),
    Retry(verbs::retry::Retry),
    Abort(verbs::abort::Abort),
    Defer(verbs::defer::Defer),
    Report(verbs::report::Report),
    Takeover(verbs::takeover::Takeover),
    Adopt(verbs::adopt::Adopt),
    Cert(verbs::cert::Cert),
}

/// What every verb gets.
struct Context {
    config: PathBuf,
    format: Format,
}

/// Runs one command line, the program's name first.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args = match Args::try_parse_from(args) {
        Ok(args) => args,
        Err(error) => return usage(&error),
    };
    podlift_common::tls::install_provider();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&CliError::failed(format!("no runtime: {error}"))),
    };
    match runtime.block_on(run(args)) {
        Ok(exit) => exit.into(),
        Err(error) => fail(&error),
    }
}

async fn run(args: Args) -> Result<Exit, CliError> {
    let context = Context { config: args.config, format: args.output };
    match args.verb {
        Verb::Plan(verb) => verb.run(&context).await,
        Verb::Upgrade(verb) => verb.run(&context).await,
        Verb::Status(verb) => verb.run(&context).await,
        Verb::Events(verb) => verb.run(&context).await,
        Verb::Pause(verb) => verb.run(&context).await,
        Verb::Resume(verb) => verb.run(&context).await,
        Verb::Retry(verb) => verb.run(&context).await,
        Verb::Abort(verb) => verb.run(&context).await,
        Verb::Defer(verb) => verb.run(&context).await,
        Verb::Report(verb) => verb.run(&context).await,
        Verb::Takeover(verb) => verb.run(&context).await,
        Verb::Adopt(verb) => verb.run(&context).await,
        Verb::Cert(verb) => verb.run(&context),
    }
}

fn fail(error: &CliError) -> ExitCode {
    out::narrate(&error.render());
    error.exit.into()
}

/// Prints clap's text where it belongs. Asked-for help is no error.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    drop(error.print());
    if error.use_stderr() { Exit::Usage.into() } else { ExitCode::SUCCESS }
}
