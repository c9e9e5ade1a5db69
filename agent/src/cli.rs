//! The command line of `podlift-agent`. The one place of the agent that reads the environment (through clap) and waits for signals.

use crate::config::Config;
use crate::host::real;
use crate::link::GrpcLink;
use crate::units::{Exit, record_exit};
use crate::{Agent, Seams, paths, pulse};
use anyhow::{Context as _, bail};
use clap::{CommandFactory as _, Parser, Subcommand};
use podlift_common::clock::{Clock as _, SystemClock};
use podlift_common::metrics;
use podlift_common::telemetry::{self, Endpoint, LogFormat, Service};
use podlift_common::tls::{self, Connector, Expect, Material, Subject};
use podlift_model::{BootId, OpId};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

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

/// Runs the agent's command line; the binary and the lab call it. `args` begin with the program's name.
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
            // Where the configuration could not be read, nothing is there to log with yet.
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

fn below(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

fn run(args: &Args) -> anyhow::Result<()> {
    tls::install_provider();
    let config: Config = podlift_common::config::load(&below(&args.root, &args.config))?;
    // One thread that works, and one that heals: each that there is costs memory and wakes up.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let origin = Instant::now();
    let telemetry = {
        let _within = runtime.enter();
        let endpoint = args.otlp_endpoint.as_ref().or(config.telemetry.otlp_endpoint.as_ref());
        let service = Service { name: "podlift-agent", version: env!("CARGO_PKG_VERSION") };
        telemetry::start(&args.log, args.format(), service, endpoint)
    };
    let done = serve(args, config, &runtime, origin);
    telemetry.flush();
    done
}

fn serve(
    args: &Args,
    config: Config,
    runtime: &tokio::runtime::Runtime,
    origin: Instant,
) -> anyhow::Result<()> {
    let material = material(&args.root, &config)?;
    let connector = Connector::new(&material, Expect::Coordinator)?;
    let link = Arc::new(GrpcLink::new(config.coordinator, connector));
    let host = real::host(&args.root, &config.commands.path)
        .with_context(|| format!("root folder {} can't be opened", args.root.display()))?;
    let seams = Seams { recorder: recorder(args)?, origin: Some(origin), ..Seams::default() };
    let listen = config.metrics.listen;
    let agent = Agent::open_with(host, config, seams)?;
    let stop = CancellationToken::new();
    let healing = heal_apart(agent.clone(), stop.clone())?;
    let done = runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let asked = stop.clone();
        tokio::spawn(async move {
            tokio::select! { _ = terminate.recv() => {} _ = interrupt.recv() => {} }
            asked.cancel();
        });
        let page = agent.clone();
        let _metrics = metrics::serve(listen, Arc::new(move || page.metrics())).await;
        agent.work(link, stop.clone()).await;
        pulse::stopping();
        anyhow::Ok(())
    });
    stop.cancel();
    if healing.join().is_err() {
        bail!("the heal has failed; its own words are above");
    }
    done
}

/// The heal has a thread of its own: nothing that is said, learned or read may hold up a repair. A heal that dies is seen by systemd's
/// watchdog, which hears of nobody else.
fn heal_apart(agent: Arc<Agent>, stop: CancellationToken) -> anyhow::Result<JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let origin = Some(Instant::now());
    let heal = move || {
        runtime.block_on(async {
            // A task: what wakes the future of `block_on` itself costs a wake-up more.
            let healing = tokio::spawn(async move { agent.heal(origin).await });
            tokio::select! {
                () = stop.cancelled() => {}
                ended = healing => drop(ended),
            }
        });
    };
    Ok(std::thread::Builder::new().name("heal".into()).spawn(heal)?)
}

/// Reads the certificates; they must speak for this node of this cluster.
fn material(root: &Path, config: &Config) -> anyhow::Result<Material> {
    let [ca, certificate, key] =
        [&config.tls.ca, &config.tls.certificate, &config.tls.key].map(|p| below(root, p));
    let material = Material::load(&ca, &certificate, &key)?;
    let identity = &material.identity;
    if identity.cluster != config.cluster || identity.subject != Subject::Node(config.node.clone()) {
        bail!(
            "{} speaks for {}, expected node {} of cluster {}: issue one with `podlift cert issue`",
            certificate.display(),
            identity.uri(),
            config.node,
            config.cluster
        );
    }
    Ok(material)
}

/// argv in front of `record-exit OP`.
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
mod tests {
    use super::*;
    use crate::units::read_exit;

    #[test]
    fn the_command_line_is_sound() {
        Args::command().debug_assert();
    }

    /// A root folder with a configuration for dgx030 and a certificate for `uri`.
    fn rooted(uri: &str, extra: &str) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            podlift_common::durable::write(&root.path().join(path), text.as_bytes(), 0o600).unwrap()
        };
        let now = SystemClock.now();
        let ca = tls::ca::init(&"runaicluster".parse().unwrap(), now).unwrap();
        let leaf = tls::ca::issue(&ca, &uri.parse().unwrap(), &[], 2, now).unwrap();
        put("etc/podlift/tls/ca.crt", &ca.certificate);
        put("etc/podlift/tls/agent.crt", &leaf.certificate);
        put("etc/podlift/tls/agent.key", &leaf.key);
        put(
            "etc/podlift/agent.toml",
            &format!("node = \"dgx030\"\ncluster = \"runaicluster\"\ncoordinator = \"127.0.0.1:1\"\n{extra}"),
        );
        root
    }

    fn start(root: &tempfile::TempDir) -> String {
        let args = Args::parse_from(["podlift-agent", "--root", &root.path().display().to_string()]);
        format!("{:#}", run(&args).unwrap_err())
    }

    #[test]
    fn what_can_not_work_is_said_before_anything_starts() {
        let other = start(&rooted("spiffe://podlift/runaicluster/node/dgx031", ""));
        assert!(
            other.contains("speaks for spiffe://podlift/runaicluster/node/dgx031, expected node dgx030"),
            "{other}"
        );
        let own = "spiffe://podlift/runaicluster/node/dgx030";
        let unknown = start(&rooted(own, "speed = 1\n"));
        assert!(unknown.contains("unknown field `speed`"), "{unknown}");
        let setting = start(&rooted(own, "[ops]\npoll = \"0s\"\n"));
        assert!(setting.contains("ops.poll"), "{setting}");
        let keyless = rooted(own, "");
        let foreign = rooted(own, "");
        let key = "etc/podlift/tls/agent.key";
        std::fs::copy(foreign.path().join(key), keyless.path().join(key)).unwrap();
        let keyless = start(&keyless);
        assert!(
            keyless.contains("do not fit each other") && keyless.contains("podlift cert issue"),
            "{keyless}"
        );
        // No machine-id below this root.
        let machine = start(&rooted(own, ""));
        assert!(machine.contains("/etc/machine-id can't be read"), "{machine}");
        let empty = start(&tempfile::tempdir().unwrap());
        assert!(empty.contains("--config"), "{empty}");
    }

    #[test]
    fn systemd_can_record_an_exit() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().display().to_string();
        let words = [
            "podlift-agent",
            "--root",
            &dir,
            "record-exit",
            "op-1",
            "--result",
            "exit-code",
            "--code",
            "exited",
            "--status",
            "100",
        ];
        assert_eq!(main(words.map(OsString::from)), ExitCode::SUCCESS);
        let host = real::host(root.path(), &[]).unwrap();
        let exit = read_exit(host.files.as_ref(), &OpId::new("op-1").unwrap()).unwrap().unwrap();
        assert_eq!(
            (exit.exit_code(), exit.success(), exit.describe().as_str()),
            (Some(100), false, "exited 100")
        );
        assert_eq!(main(["podlift-agent", "record-exit", "../x"].map(OsString::from)), ExitCode::from(2));
    }
}
