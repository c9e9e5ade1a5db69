//! The command line against a coordinator over real mTLS on the loopback, with the small fleet behind it.

mod access;
mod backup;
mod bcm;
mod deferred;
mod plans;
mod skew;

use super::args::Args;
use super::error::{CliError, Exit};
use super::typed::Typed;
use super::{Context, run, usage};
use clap::Parser as _;
use podlift_client::{Goal, PlanQuery};
use podlift_common::clock::SystemClock;
use podlift_common::tls::{self, Material};
use podlift_coordinator::backup::BackupSettings;
use podlift_coordinator::core::Settings;
use podlift_coordinator::dispatch::{Hub, HubSettings};
use podlift_coordinator::exec::ExecSettings;
use podlift_coordinator::journal::MemoryJournal;
use podlift_coordinator::testing::{Fleet, assemble, name, options, store};
use podlift_engine::program::PlanOptions;
use podlift_engine::view::Status;
use podlift_model::{ClusterName, Failure};
use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

/// A recipient whose identity does not exist.
const RECIPIENT: &str = "age1keccewzm9ka5wfr9y80u77z0anxa72gs7hxlnfxwwd2u9xldgj8qdsk7mk";

struct Site {
    dir: tempfile::TempDir,
    fleet: Arc<Fleet>,
    _stop: DropGuard,
}

async fn ended(line: &str, dir: &std::path::Path) -> Result<Exit, CliError> {
    let words = line.replace("DIR", &dir.display().to_string());
    match Args::try_parse_from(words.split_whitespace()) {
        Ok(args) => {
            let typed: Vec<OsString> = words.split_whitespace().map(OsString::from).collect();
            run(args, Typed::new(&typed)).await
        }
        Err(error) => Err(usage::refused(&error, &[])),
    }
}

async fn podlift(line: &str, dir: &std::path::Path) -> Exit {
    ended(line, dir).await.unwrap_or_else(|e| e.exit)
}

/// Certificates by the command line itself, a port for a coordinator, and a configuration for each role.
async fn prepared() -> (tempfile::TempDir, TcpListener, Material) {
    tls::install_provider();
    let dir = tempfile::tempdir().unwrap();
    let base = "podlift cert issue --cluster runaicluster --ca DIR/ca --out DIR";
    for line in [
        "podlift cert init --cluster runaicluster --dir DIR/ca".to_string(),
        format!("{base} coordinator head-1 --address 127.0.0.1"),
        format!("{base} operator eve --role admin"),
        format!("{base} operator bob"),
    ] {
        assert_eq!(podlift(&line, dir.path()).await, Exit::Done, "{line}");
    }
    let file = |name: &str| dir.path().join(name);
    let material =
        Material::load(&file("ca/ca.crt"), &file("coordinator-head-1.crt"), &file("coordinator-head-1.key"))
            .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    for person in ["eve", "bob"] {
        let text = format!(
            "coordinator = \"{address}\"\n[tls]\nca = \"{0}/ca/ca.crt\"\ncertificate = \"{0}/operator-{person}.crt\"\nkey = \"{0}/operator-{person}.key\"\n",
            dir.path().display()
        );
        podlift_common::durable::write(&file(&format!("{person}.toml")), text.as_bytes(), 0o600).unwrap();
    }
    (dir, listener, material)
}

async fn site() -> Site {
    let (dir, listener, material) = prepared().await;
    let fleet = Fleet::new();
    let stop = serve(&fleet, listener, material);
    Site { dir, fleet, _stop: stop }
}

fn serve(fleet: &Arc<Fleet>, listener: TcpListener, material: Material) -> DropGuard {
    let store = store(&MemoryJournal::new());
    fleet.lock().facts.values_mut().for_each(|facts| facts.recipients = vec![RECIPIENT.into()]);
    let cluster = ClusterName::new("runaicluster").unwrap();
    let hub = Hub::new(cluster, store.clone(), Arc::new(SystemClock), HubSettings::default());
    let quick = Duration::from_millis(2);
    let settings = Settings {
        exec: ExecSettings { poll: quick, probe_interval: quick, read_interval: quick },
        options: PlanOptions { soak_seconds: 0, aside_seconds: 0, ..options() },
        backup: BackupSettings { recipients: vec![RECIPIENT.parse().unwrap()], ..BackupSettings::default() },
        ..Settings::default()
    };
    let coordinator = assemble(fleet, store, "one", settings);
    let stop = CancellationToken::new();
    let token = stop.clone();
    tokio::spawn(async move {
        podlift_coordinator::server::serve_on(listener, &material, hub, coordinator, token).await.unwrap();
    });
    stop.drop_guard()
}

impl Site {
    async fn eve(&self, line: &str) -> Exit {
        self.result(line).await.unwrap_or_else(|e| e.exit)
    }
    /// What the error about a missing terminal shows: the line as it was typed, confirmed.
    fn again(&self, line: &str) -> String {
        let config = self.dir.path().join("eve.toml").display().to_string();
        let words = ["podlift", "--config", &config].into_iter().chain(line.split_whitespace());
        Typed::new(&words.map(OsString::from).collect::<Vec<_>>()).with("--yes")
    }
    async fn status(&self) -> Status {
        let context = Context::new(self.dir.path().join("eve.toml"), super::out::Format::Json);
        context.client().await.unwrap().status(None, String::new()).await.unwrap().view().unwrap()
    }
    async fn result(&self, line: &str) -> Result<Exit, CliError> {
        ended(&format!("podlift --config DIR/eve.toml {line}"), self.dir.path()).await
    }
}

#[tokio::test]
async fn a_run_from_the_command_line() {
    let site = site().await;
    assert_eq!(site.eve("plan --to v1.32.9").await, Exit::Done);
    let config = site.dir.path().join("eve.toml").display().to_string();
    let mut words = vec!["podlift", "--config", &config];
    words.extend(
        "plan --to v1.32.9 --canary 2 --canary-soak 30m --grow --order as-planned --window".split(' '),
    );
    words.push("sat,sun 00:00-23:59 UTC");
    assert_eq!(run(Args::try_parse_from(words).unwrap(), Typed::default()).await, Ok(Exit::Done));
    assert_eq!(site.eve("status").await, Exit::Done);
    assert_eq!(site.eve("report").await, Exit::Failed, "no run yet");
    site.fleet
        .lock()
        .failing
        .insert("kubeadm-apply".into(), vec![Failure::permanent("kubeadm-failed", "rc 1")]);
    assert_eq!(site.eve("upgrade --to v1.32.9 --yes").await, Exit::Paused);
    assert_eq!(site.eve("upgrade --to v1.32.9 --yes").await, Exit::Blocked, "a run is open");
    assert_eq!(site.eve("resume").await, Exit::Failed, "a step failed");
    assert_eq!(site.eve("retry --follow").await, Exit::Done);
    for line in
        ["events", "events --run all -o json", "status -o yaml", "report", "report -o json", "report -o md"]
    {
        assert_eq!(site.eve(line).await, Exit::Done, "{line}");
    }
    for line in [
        "runs",
        "runs -o json",
        "heal status",
        "heal status runai-01 -o yaml",
        "heal history",
        "heal diff --last 2",
        "status runai-01",
        "status dgx030 --events 3 -o yaml",
        "status -o wide",
    ] {
        assert_eq!(site.eve(line).await, Exit::Done, "{line}");
    }
    let asked = "heal accept runai-01 kube-apiserver";
    assert_eq!(site.eve(asked).await, Exit::Done);
    assert_eq!(site.eve("heal apply runai-01 kube-scheduler").await, Exit::Done);
    assert_eq!(site.eve("status -l state=upgraded,rack=r2").await, Exit::Done, "labels of the plan");
}

#[tokio::test]
async fn a_node_or_selector_that_does_not_exist_says_what_does() {
    let site = site().await;
    assert_eq!(site.eve("status -l role=worker").await, Exit::Done, "columns need no run");
    let error = |ended: Result<Exit, CliError>| {
        let e = ended.unwrap_err();
        (e.exit, e.what, e.why)
    };
    let (exit, what, why) = error(site.result("status runai-1").await);
    assert_eq!((exit, what.as_str()), (Exit::Usage, "node runai-1 is not known"));
    assert_eq!(why, "did you mean runai-01 or runai-02 or runai-03?");
    let (exit, what, why) = error(site.result("status -l role=driver").await);
    assert_eq!((exit, what.as_str()), (Exit::Usage, "selector \"role=driver\" matches none of 5 nodes"));
    assert_eq!(why, "keys that exist: connected, guard, name, role, stale, state, version");
    let (exit, what, why) = error(site.result("status -l role=worker,,x -o json").await);
    assert_eq!((exit, what.as_str()), (Exit::Usage, "selector \"role=worker,,x\" can't be read"));
    assert_eq!(why, "at character 13: ',', expected a key");
}

#[tokio::test]
async fn nothing_is_watched_without_a_terminal() {
    let site = site().await;
    let error = site.result("watch").await.unwrap_err();
    assert_eq!((error.exit, error.next.as_str()), (Exit::Usage, "podlift events --follow"));
}

#[tokio::test]
async fn preflight_and_usage_have_exits_of_their_own() {
    let site = site().await;
    for line in [
        "plan",
        "plan --to 1.x",
        "plan --to v1.32.9 --max-unavailable 0",
        "plan --resume-deferred",
        "defer dgx031 --until tomorrow",
        "defer dgx031 --until 2020-01-01",
        "status --slowest none",
        "plan --to v1.32.9 --waive flag-loss",
        "plan --to v1.32.9 --canary 0 --canary-soak 30m",
        "upgrade --to v1.32.9",
        "plan --to v1.33.1",
        "plan --to v1.32.9 --node nope",
        "plan --to v1.32.9 --waive etcd=no",
        "nonsense",
    ] {
        assert_eq!(site.eve(line).await, Exit::Usage, "{line}");
    }
    site.fleet.lock().views.get_mut(&name("runai-03")).unwrap().ready = false;
    assert_eq!(site.eve("plan --to v1.32.9").await, Exit::Blocked);
    assert_eq!(site.eve("upgrade --to v1.32.9 --yes").await, Exit::Blocked);
    assert_eq!(site.eve("upgrade --to v1.32.9 --yes --expect-hash 0000").await, Exit::Blocked);
    assert!(site.fleet.lock().effects.is_empty());
}

#[tokio::test]
async fn what_can_not_be_taken_back_needs_a_confirmation_and_a_deferral_can() {
    let site = site().await;
    for line in [
        "abort",
        "abort --reason wrong-version --run r1",
        "takeover",
        "upgrade --to v1.32.9 --node dgx030 --max-failed 5% --waive budgets=agreed --approve batch",
        "upgrade --resume-deferred --detach",
        "repair --without dgx031",
    ] {
        let error = site.result(line).await.unwrap_err();
        assert_eq!((error.exit, &error.next), (Exit::Usage, &site.again(line)), "{line}");
        assert!(error.why.contains("no terminal"), "{}", error.why);
    }
    assert_eq!(site.eve("upgrade --to v1.32.9 --yes --approve phase").await, Exit::Paused);
    let error = site.result("resume").await.unwrap_err();
    assert_eq!((error.exit, error.next.as_str()), (Exit::Failed, "podlift approve"));
    let error = site.result("defer runai-03").await.unwrap_err();
    assert_eq!((error.exit, error.next.as_str()), (Exit::Usage, site.again("defer runai-03").as_str()));
    let asked = "defer runai-03 --reason its-disk --until 2999-01-01 --run";
    let status = site.status().await;
    let asked = format!("{asked} {}", status.run.unwrap().run);
    let error = site.result(&asked).await.unwrap_err();
    assert_eq!((error.exit, error.next), (Exit::Usage, site.again(&asked)));
    assert_eq!(site.eve("include dgx031").await, Exit::Failed, "it was never deferred");
    assert_eq!(site.eve("defer dgx031 --reason repair --until 2999-01-01").await, Exit::Done);
    assert_eq!(site.eve("include dgx031").await, Exit::Done);
    assert_eq!(site.eve("abort --yes").await, Exit::Done);
}

#[tokio::test]
async fn what_a_person_decides_about_an_open_run_and_its_nodes() {
    let site = site().await;
    assert_eq!(site.eve("set max-unavailable 3").await, Exit::Failed, "no run is open");
    let early = site.result("defer dgx031 --until 2999-01-01").await.unwrap_err();
    assert_eq!((early.exit, early.next.as_str()), (Exit::Failed, "podlift help plan"), "no run yet");
    assert_eq!(site.eve("pause --now").await, Exit::Failed, "no run is open");
    let lost = site.result("node lost dgx031").await.unwrap_err();
    assert_eq!((lost.exit, lost.next.as_str()), (Exit::Usage, site.again("node lost dgx031").as_str()));
    assert_eq!(site.eve("node release dgx031").await, Exit::Done, "it is not cordoned");
    let start =
        "upgrade --to v1.32.9 --yes --approve phase --max-failed 5% --without dgx030 --grace-period 30";
    assert_eq!(site.eve(start).await, Exit::Paused);
    assert_eq!(site.eve("set max-unavailable 3").await, Exit::Done);
    assert_eq!(site.eve("set max-unavailable 50%").await, Exit::Done);
    assert_eq!(site.eve("pause --now").await, Exit::Done);
    assert_eq!(site.eve("node lost dgx031 --yes").await, Exit::Failed, "its agent is connected");
    site.fleet.lock().offline.insert(name("dgx031"));
    assert_eq!(site.eve("node lost dgx031 --yes").await, Exit::Failed, "its kubelet reports Ready");
    site.fleet.lock().views.get_mut(&name("dgx031")).unwrap().ready = false;
    assert_eq!(site.eve("node lost dgx031 --yes").await, Exit::Done);
    for line in ["status", "status --slowest 3", "status -l state=lost", "events", "report", "report -o md"] {
        assert_eq!(site.eve(line).await, Exit::Done, "{line}");
    }
    assert_eq!(site.eve("abort --yes").await, Exit::Done);
    let late = site.result("defer dgx030").await.unwrap_err();
    assert_eq!(
        (late.exit, late.next.as_str()),
        (Exit::Failed, "podlift plan --to v1.32.9 --without dgx030"),
        "the run is over"
    );
}

#[tokio::test]
async fn a_certificate_of_another_cluster_is_not_issued() {
    let dir = tempfile::tempdir().unwrap();
    let line = |line: &str| format!("podlift cert {line}");
    assert_eq!(podlift(&line("init --cluster runaicluster --dir DIR/ca"), dir.path()).await, Exit::Done);
    let issue = |cluster: &str| line(&format!("issue node dgx030 --cluster {cluster} --ca DIR/ca --out DIR"));
    assert_eq!(podlift(&issue("othercluster"), dir.path()).await, Exit::Usage);
    assert!(!dir.path().join("node-dgx030.crt").exists());
    assert_eq!(podlift(&issue("runaicluster"), dir.path()).await, Exit::Done);
    let of_the_ca = line("issue node dgx031 --ca DIR/ca --out DIR");
    assert_eq!(podlift(&of_the_ca, dir.path()).await, Exit::Done, "the cluster is that of the CA");
    assert!(dir.path().join("node-dgx031.crt").exists());
}

#[tokio::test]
async fn what_people_say_stands_in_the_journal_and_a_run_waits_where_it_was_told_to() {
    let site = site().await;
    assert_eq!(site.eve("approve").await, Exit::Failed, "nothing waits");
    assert_eq!(site.eve("attest maintenance-window --note OPS-4711").await, Exit::Done);
    let viewer = podlift("podlift --config DIR/bob.toml attest rollback-reviewed", site.dir.path()).await;
    assert_eq!(viewer, Exit::Failed, "a viewer says nothing");
    assert_eq!(site.eve("upgrade --to v1.32.9 --yes --approve phase").await, Exit::Paused);
    let mut asked = 1;
    loop {
        match site.eve("approve --follow").await {
            Exit::Paused => asked += 1,
            exit => break assert_eq!(exit, Exit::Done),
        }
    }
    assert!(asked > 4, "before each phase but the first: {asked}");
    assert_eq!(site.eve("report").await, Exit::Done);
}

#[tokio::test]
async fn what_a_person_asks_of_one_node_is_written_down_and_told() {
    let site = site().await;
    let error = |ended: Result<Exit, CliError>| {
        let e = ended.unwrap_err();
        (e.exit, e.what)
    };
    let (exit, what) = error(site.result("heal accept dgx030 kube-apiserver").await);
    assert_eq!(
        (exit, what.as_str()),
        (Exit::Failed, "the agent of dgx030 has reported no kube-apiserver.yaml")
    );
    let refused = Failure::operator("heal-refused", "it changed since it was looked at");
    site.fleet.lock().failing.insert("heal-accept".into(), vec![refused]);
    let hash = "0".repeat(64);
    let (exit, what) =
        error(site.result(&format!("heal accept runai-01 kube-apiserver --sha256 {hash}")).await);
    assert_eq!((exit, what.as_str()), (Exit::Failed, "it changed since it was looked at"));
    assert_eq!(site.eve("heal accept runai-01 kube-apiserver --sha256 12").await, Exit::Usage);
    assert_eq!(site.eve("heal accept runai-01 etcd").await, Exit::Usage);
    assert!(site.fleet.lock().effects.is_empty());
    assert_eq!(site.eve("heal accept runai-01 kube-apiserver").await, Exit::Done);
    site.fleet.lock().offline.insert(name("runai-02"));
    let (_, what) = error(site.result("heal apply runai-02 kube-apiserver").await);
    assert_eq!(what, "the agent of runai-02 is not connected");
    site.fleet.lock().unheard.insert("heal-apply".into(), 1);
    let (_, what) = error(site.result("heal apply runai-03 kube-apiserver").await);
    assert!(what.starts_with("runai-03: the outcome of heal-apply is not known"), "{what}");
    let verbs: Vec<String> = site.fleet.lock().effects.iter().map(|e| format!("{} {}", e.0, e.1)).collect();
    assert_eq!(verbs, ["runai-01 heal-accept", "runai-03 heal-apply"]);
}
