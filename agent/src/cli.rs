//! The command line of `podlift-agent`. The one place of the agent that reads the environment (through clap).

use crate::daemon::{self, Place, below};
use crate::units::{Exit, record_exit};
use crate::{kubelet_user, setup};
use anyhow::{Context as _, bail};
use clap::{CommandFactory as _, Parser, Subcommand};
use podlift_common::clock::{Clock as _, SystemClock};
use podlift_common::telemetry::{self, Endpoint, LogFormat, Service};
use podlift_common::tls;
use podlift_host::paths;
use podlift_host::real;
use podlift_model::{BootId, OpId};
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tokio::time::Instant;

/// Upgrades and heals the Kubernetes of this node, as podlift's coordinator asks.
#[derive(Parser)]
#[command(name = "podlift-agent", version)]
struct Args {
    /// Every path of the agent is below this folder
    #[arg(long, global = true, default_value = "/")]
    root: PathBuf,
    /// Configuration file, below the root
    #[arg(long, global = true, default_value = paths::CONFIG)]
    config: PathBuf,
    /// What is logged, e.g. info,podlift_agent=debug
    #[arg(long, global = true, default_value = "info")]
    log: String,
    /// Log as JSON lines
    #[arg(long, global = true)]
    log_json: bool,
    /// Where spans are sent, e.g. http://127.0.0.1:4317; before what the configuration says
    #[arg(long, global = true)]
    otlp_endpoint: Option<Endpoint>,
    /// How this program is started again, word by word; its own path by default
    #[arg(long, global = true, hide = true, allow_hyphen_values = true)]
    exec: Vec<String>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve this node until SIGTERM (the default)
    Run,
    /// Write the manual page; for packages
    #[command(hide = true)]
    Man {
        #[arg(long)]
        out: PathBuf,
    },
    /// Write down how an op's unit ended; called by systemd
    #[command(hide = true)]
    RecordExit {
        op: OpId,
        #[arg(long, env = "SERVICE_RESULT", default_value = "unknown")]
        result: String,
        #[arg(long, env = "EXIT_CODE", default_value = "unknown")]
        code: String,
        #[arg(long, env = "EXIT_STATUS", default_value = "unknown")]
        status: String,
    },
}

/// Runs the agent's command line, for the binary and the lab. `args` begin with the program's name.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args = match Args::try_parse_from(args) {
        Ok(args) => args,
        Err(e) => {
            drop(e.print());
            return ExitCode::from(u8::try_from(e.exit_code()).unwrap_or(2));
        }
    };
    let done = match &args.command {
        None | Some(Command::Run) => run(&args),
        Some(Command::Man { out }) => man(out),
        Some(Command::RecordExit { op, result, code, status }) => {
            telemetry::init(&args.log, args.format());
            record(&args.root, op, result, code, status)
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If the configuration could not be read, no logger exists yet.
            telemetry::init(&args.log, args.format());
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

impl Args {
    fn format(&self) -> LogFormat {
        if self.log_json { LogFormat::Json } else { LogFormat::Text }
    }
}

fn man(out: &Path) -> anyhow::Result<()> {
    podlift_common::man::write(Args::command(), "8", out).with_context(|| out.display().to_string()).map(drop)
}

fn record(root: &Path, op: &OpId, result: &str, code: &str, status: &str) -> anyhow::Result<()> {
    let host = real::host(root, &[])?;
    let boot = host.files.read(Path::new(paths::BOOT_ID)).context(paths::BOOT_ID)?;
    let boot = BootId::new(String::from_utf8_lossy(&boot).trim())?;
    let exit =
        Exit { boot, at: SystemClock.now(), result: result.into(), code: code.into(), status: status.into() };
    record_exit(host.files.as_ref(), op, &exit)
        .with_context(|| format!("the exit of op {op} could not be recorded"))
}

fn run(args: &Args) -> anyhow::Result<()> {
    tls::install_provider();
    let path = below(&args.root, &args.config);
    let text = podlift_common::durable::read_to_string(&path);
    // Without a file the node is not configured. If the file exists but can't be read, the heal still runs.
    let text = match text {
        Err(source) if source.kind() == ErrorKind::NotFound => {
            bail!(podlift_common::config::ConfigError::Read { path, source })
        }
        other => other.unwrap_or_default(),
    };
    let kubelet =
        real::host(&args.root, &[]).ok().and_then(|host| kubelet_user::node_name(host.files.as_ref()));
    let setup = setup::setup(&text, &path, kubelet.as_deref());
    // One thread for this work and one for the heal: each further one costs memory and wakeups.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let origin = Instant::now();
    let telemetry = {
        let _within = runtime.enter();
        let endpoint = args.otlp_endpoint.as_ref().or(setup.telemetry.otlp_endpoint.as_ref());
        let service = Service { name: "podlift-agent", version: env!("CARGO_PKG_VERSION") };
        telemetry::start(&args.log, args.format(), service, endpoint)
    };
    let place = Place { root: args.root.clone(), config: path, recorder: recorder(args)?, origin };
    let done = daemon::serve(&place, setup, &runtime);
    telemetry.flush();
    done
}

/// The argv prefix before `record-exit OP`.
fn recorder(args: &Args) -> anyhow::Result<Vec<String>> {
    let mut argv = args.exec.clone();
    if argv.is_empty() {
        argv.push(std::env::current_exe().context("this program's own path")?.display().to_string());
    }
    let root = args.root.canonicalize().with_context(|| format!("root folder {}", args.root.display()))?;
    argv.extend(["--root".to_string(), root.display().to_string()]);
    Ok(argv)
}

#[cfg(test)]
#[path = "cli_tests.rs"]
mod tests;
