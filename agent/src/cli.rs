//! The command line of `podlift-agent`. The one place of the agent that reads the environment (through clap) and waits for signals.

use crate::config::Config;
use crate::down::{Down, Part, until_up};
use crate::host::real;
use crate::keeper::Keeper;
use crate::link::{GrpcLink, Link};
use crate::metrics::Metrics;
use crate::setup::{self, Setup};
use crate::units::{Exit, record_exit};
use crate::{Agent, Seams, kubelet_user, paths, pulse};
use anyhow::{Context as _, bail};
use clap::{CommandFactory as _, Parser, Subcommand};
use podlift_common::clock::{Clock as _, SystemClock};
use podlift_common::metrics;
use podlift_common::telemetry::{self, Endpoint, LogFormat, Service};
use podlift_common::tls::{self, Connector, Expect, Material, Subject};
use podlift_model::{BootId, OpId};
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
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
    let path = below(&args.root, &args.config);
    let text = podlift_common::durable::read_to_string(&path);
    // Without a file nothing says that this node is anybody's; one that can't be read is another thing: the heal goes on.
    let text = match text {
        Err(source) if source.kind() == ErrorKind::NotFound => {
            bail!(podlift_common::config::ConfigError::Read { path, source })
        }
        other => other.unwrap_or_default(),
    };
    let kubelet =
        real::host(&args.root, &[]).ok().and_then(|host| kubelet_user::node_name(host.files.as_ref()));
    let setup = setup::setup(&text, &path, kubelet.as_deref());
    // One thread that works, and one that heals: each that there is costs memory and wakes up.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let origin = Instant::now();
    let telemetry = {
        let _within = runtime.enter();
        let endpoint = args.otlp_endpoint.as_ref().or(setup.telemetry.otlp_endpoint.as_ref());
        let service = Service { name: "podlift-agent", version: env!("CARGO_PKG_VERSION") };
        telemetry::start(&args.log, args.format(), service, endpoint)
    };
    let done = serve(args, setup, &runtime, origin);
    telemetry.flush();
    done
}

fn serve(
    args: &Args,
    setup: Setup,
    runtime: &tokio::runtime::Runtime,
    origin: Instant,
) -> anyhow::Result<()> {
    let host = real::host(&args.root, &setup.commands.path)
        .with_context(|| format!("root folder {} can't be opened", args.root.display()))?;
    let recorder = recorder(args)?;
    let keeper = Keeper::open(host, setup.heal, &setup.node, setup.allow_other_filesystem);
    let stop = CancellationToken::new();
    let healing = heal_apart(keeper.clone(), stop.clone())?;
    let done = runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let asked = stop.clone();
        tokio::spawn(async move {
            tokio::select! { _ = terminate.recv() => {} _ = interrupt.recv() => {} }
            asked.cancel();
        });
        let answering = keeper.clone();
        tokio::spawn(async move { answering.answer().await });
        let page = Arc::new(Page::new(&keeper));
        let served = page.clone();
        let _metrics = metrics::serve(setup.metrics.listen, Arc::new(move || served.text())).await;
        let seams = || Seams { recorder: recorder.clone(), origin: Some(origin), ..Seams::default() };
        tokio::select! {
            () = stop.cancelled() => {}
            () = work(args, &keeper, &page, seams, &stop) => {}
        }
        pulse::stopping();
        anyhow::Ok(())
    });
    stop.cancel();
    if healing.join().is_err() {
        bail!("the heal has failed; its own words are above");
    }
    done
}

/// What is told to Prometheus: of the heal at once, and of the rest when it is there.
struct Page {
    alone: Metrics,
    agent: OnceLock<Arc<Agent>>,
}

impl Page {
    fn new(keeper: &Keeper) -> Self {
        Self { alone: Metrics::alone(keeper), agent: OnceLock::new() }
    }

    fn text(&self) -> Result<String, std::fmt::Error> {
        self.agent.get().map_or_else(|| self.alone.page(), |agent| agent.metrics())
    }
}

/// Everything beside the heal. What can't be brought up is tried again, with the configuration as it is by then.
async fn work(
    args: &Args,
    keeper: &Arc<Keeper>,
    page: &Page,
    seams: impl Fn() -> Seams,
    stop: &CancellationToken,
) {
    let agent = until_up(&keeper.downs, Part::Executor, || {
        Ok(Agent::beside(keeper.clone(), configuration(args)?, seams())?)
    })
    .await;
    drop(page.agent.set(agent.clone()));
    let config = agent.node.config.clone();
    agent.work(|| link(&args.root, &config), stop.clone()).await;
}

fn configuration(args: &Args) -> Result<Config, Down> {
    let path = below(&args.root, &args.config);
    let text = podlift_common::durable::read_to_string(&path).map_err(|source| {
        Down::new("config", podlift_common::config::ConfigError::Read { path: path.clone(), source })
    })?;
    setup::whole(&text, &path)
}

fn link(root: &Path, config: &Config) -> Result<Arc<dyn Link>, Down> {
    let tls = |error: anyhow::Error| Down::new("tls", format!("{error:#}"));
    let material = material(root, config).map_err(tls)?;
    let connector = Connector::new(&material, Expect::Coordinator).map_err(|e| tls(e.into()))?;
    Ok(Arc::new(GrpcLink::new(config.coordinator, connector)))
}

/// The heal has a thread of its own: nothing that is said, learned or read may hold up a repair. A heal that dies is seen by systemd's
/// watchdog, which hears of nobody else.
fn heal_apart(keeper: Arc<Keeper>, stop: CancellationToken) -> anyhow::Result<JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let origin = Some(Instant::now());
    let heal = move || {
        runtime.block_on(async {
            // A task: what wakes the future of `block_on` itself costs a wake-up more.
            let healing = tokio::spawn(async move { keeper.heal(origin).await });
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

    fn arguments(root: &tempfile::TempDir) -> Args {
        Args::parse_from(["podlift-agent", "--root", &root.path().display().to_string()])
    }

    /// What keeps session or executor down.
    fn down(root: &tempfile::TempDir) -> Down {
        tls::install_provider();
        let args = arguments(root);
        let config = match configuration(&args) {
            Ok(config) => config,
            Err(down) => return down,
        };
        let host = real::host(root.path(), &[]).unwrap();
        let keeper = Keeper::open(host, config.heal.clone(), &config.node, false);
        match link(root.path(), &config) {
            Err(down) => down,
            Ok(_) => Agent::beside(keeper, config, Seams::default()).err().unwrap().into(),
        }
    }

    #[test]
    fn what_can_not_work_is_said_with_a_word_for_the_label() {
        let other = down(&rooted("spiffe://podlift/runaicluster/node/dgx031", ""));
        assert!(
            other
                .message
                .contains("speaks for spiffe://podlift/runaicluster/node/dgx031, expected node dgx030"),
            "{other}"
        );
        let own = "spiffe://podlift/runaicluster/node/dgx030";
        let unknown = down(&rooted(own, "speed = 1\n"));
        assert!(unknown.why == "config" && unknown.message.contains("unknown field `speed`"), "{unknown}");
        let setting = down(&rooted(own, "[ops]\npoll = \"0s\"\n"));
        assert!(setting.message.contains("ops.poll"), "{setting}");
        let keyless = rooted(own, "");
        let foreign = rooted(own, "");
        let key = "etc/podlift/tls/agent.key";
        std::fs::copy(foreign.path().join(key), keyless.path().join(key)).unwrap();
        let keyless = down(&keyless);
        assert!(
            keyless.why == "tls"
                && keyless.message.contains("do not fit each other")
                && keyless.message.contains("podlift cert issue"),
            "{keyless}"
        );
        // No machine-id below this root.
        let machine = down(&rooted(own, ""));
        assert!(
            machine.why == "machine-id" && machine.message.contains("/etc/machine-id can't be read"),
            "{machine}"
        );
        let empty = run(&arguments(&tempfile::tempdir().unwrap())).unwrap_err();
        assert!(format!("{empty:#}").contains("--config"), "{empty:#}");
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
