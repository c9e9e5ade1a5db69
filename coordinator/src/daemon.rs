//! `podlift-coordinator`: arguments, logs, signals.

use crate::config::Config;
use crate::store::StoreError;
use anyhow::Context as _;
use clap::{CommandFactory as _, Parser, Subcommand};
use podlift_common::telemetry::{self, Endpoint, LogFormat, Service};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// kube logs each failed call as an error. The caller decides what a failure means, so these lines are off.
const LOG: &str = "info,kube_client::client::builder=off";

/// Plans and runs rolling upgrades of one Kubernetes cluster.
#[derive(Debug, Parser)]
#[command(name = "podlift-coordinator", version)]
struct Args {
    /// Configuration file.
    #[arg(long, default_value = "/etc/podlift/coordinator.toml")]
    config: PathBuf,
    /// What is logged to stderr, e.g. `info,podlift_coordinator=debug`.
    #[arg(long, default_value = LOG)]
    log: String,
    /// Logs as JSON lines.
    #[arg(long)]
    log_json: bool,
    /// Where spans are sent, e.g. `http://127.0.0.1:4317`; before what the configuration says.
    #[arg(long)]
    otlp_endpoint: Option<Endpoint>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write the manual page; for packages.
    #[command(hide = true)]
    Man {
        #[arg(long)]
        out: PathBuf,
    },
}

/// Runs the daemon, which ends on SIGTERM or SIGINT. An open run continues at the next start.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args = match Args::try_parse_from(args) {
        Ok(args) => args,
        Err(error) => return usage(&error),
    };
    let done = match &args.command {
        None => start(&args),
        Some(Command::Man { out }) => man(out),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If the configuration is not readable, logging has not started yet.
            telemetry::init(&args.log, args.format());
            let code = error.downcast_ref::<StoreError>().map_or("start", StoreError::code);
            tracing::error!(code, "{}", whole(&error));
            ExitCode::FAILURE
        }
    }
}

impl Args {
    fn format(&self) -> LogFormat {
        if self.log_json { LogFormat::Json } else { LogFormat::Text }
    }
}

/// Prints clap's text to the stream that it belongs to. Requested help is not an error.
fn usage(error: &clap::Error) -> ExitCode {
    drop(error.print());
    ExitCode::from(if error.use_stderr() { 2 } else { 0 })
}

/// The error and its causes, without those that its own text names already.
fn whole(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |text, cause| match () {
        () if text.is_empty() => cause,
        () if text.contains(&cause) => text,
        () => format!("{text}: {cause}"),
    })
}

fn man(out: &Path) -> anyhow::Result<()> {
    podlift_common::man::write(Args::command(), "8", out).with_context(|| out.display().to_string()).map(drop)
}

fn start(args: &Args) -> anyhow::Result<()> {
    podlift_common::tls::install_provider();
    let config: Config = podlift_common::config::load(&args.config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let telemetry = {
        let _within = runtime.enter();
        let endpoint = args.otlp_endpoint.as_ref().or(config.telemetry.otlp_endpoint.as_ref());
        let service = Service { name: "podlift-coordinator", version: env!("CARGO_PKG_VERSION") };
        telemetry::start(&args.log, args.format(), service, endpoint)
    };
    let done = runtime.block_on(until_told(config));
    telemetry.flush();
    done
}

async fn until_told(config: Config) -> anyhow::Result<()> {
    let stop = CancellationToken::new();
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let ending = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
        ending.cancel();
    });
    crate::server::serve(config, stop).await
}
