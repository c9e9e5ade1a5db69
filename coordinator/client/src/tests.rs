//! The client against a coordinator over real mutual TLS on the loopback.

use crate::live::{Feed, Link, Live, Update, WorkState};
use crate::{Endpoint, EventsQuery, Goal, Kind, Observer, PlanQuery, RunScope, follow, position};
use podlift_common::clock::{Clock as _, SystemClock};
use podlift_common::tls::{self, Identity, Material, Role, Subject, ca};
use podlift_coordinator::core::{Coordinator, PlanAsk, Settings};
use podlift_coordinator::dispatch::{Hub, HubSettings};
use podlift_coordinator::journal::MemoryJournal;
use podlift_coordinator::testing::{Fleet, assemble, options, store};
use podlift_engine::RunStatus;
use podlift_engine::machine::{Event, Record, RunState};
use podlift_engine::program::StopReason;
use podlift_model::{ClusterName, NodeName, RunId};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_util::sync::{CancellationToken, DropGuard};

pub(crate) struct Site {
    dir: tempfile::TempDir,
    coordinator: Arc<Coordinator>,
    address: SocketAddr,
    material: Material,
}

fn cluster() -> ClusterName {
    ClusterName::new("runaicluster").unwrap()
}

fn write(path: &Path, text: &[u8]) {
    podlift_common::durable::write(path, text, 0o600).unwrap();
}

/// Certificates of a CA of its own, a free port, a configuration file for eve, and a coordinator that is not served yet.
pub(crate) async fn site() -> (Site, TcpListener) {
    tls::install_provider();
    let dir = tempfile::tempdir().unwrap();
    let now = SystemClock.now();
    let authority = ca::init(&cluster(), now).unwrap();
    let file = |name: &str| dir.path().join(name);
    write(&file("ca.crt"), authority.certificate.as_bytes());
    let name = |text: &str| NodeName::new(text).unwrap();
    for (file_name, subject, role) in [
        ("head", Subject::Coordinator(name("head-1")), Role::Viewer),
        ("eve", Subject::Operator(name("eve")), Role::Admin),
    ] {
        let identity = Identity { cluster: cluster(), subject, role };
        let pair = ca::issue(&authority, &identity, &["127.0.0.1".parse().unwrap()], 1, now).unwrap();
        write(&file(&format!("{file_name}.crt")), pair.certificate.as_bytes());
        write(&file(&format!("{file_name}.key")), pair.key.as_bytes());
    }
    let material = Material::load(&file("ca.crt"), &file("head.crt"), &file("head.key")).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let config = format!(
        "coordinator = \"{address}\"\n[tls]\nca = \"{0}/ca.crt\"\ncertificate = \"{0}/eve.crt\"\nkey = \"{0}/eve.key\"\n",
        dir.path().display()
    );
    write(&file("eve.toml"), config.as_bytes());
    let settings = Settings { options: options(), ..Settings::default() };
    let coordinator = assemble(&Fleet::new(), store(&MemoryJournal::new()), "one", settings);
    (Site { dir, coordinator, address, material }, listener)
}

impl Site {
    /// Serves until the guard is dropped.
    pub(crate) fn serve(&self, listener: TcpListener) -> DropGuard {
        let store = self.coordinator.store().clone();
        let hub = Hub::new(cluster(), store, Arc::new(SystemClock), HubSettings::default());
        let (material, coordinator, stop) =
            (self.material.clone(), self.coordinator.clone(), CancellationToken::new());
        let token = stop.clone();
        tokio::spawn(async move {
            podlift_coordinator::server::serve_on(listener, &material, hub, coordinator, token).await
        });
        stop.drop_guard()
    }

    pub(crate) fn endpoint(&self) -> Endpoint {
        Endpoint::new(self.dir.path().join("eve.toml"), |warning| panic!("{warning}"))
    }

    /// A run that is paused, so that the coordinator does not drive it. The records are there before anything is served.
    pub(crate) async fn paused_run(&self) -> RunId {
        let ask = PlanAsk::to("v1.32.9".parse().unwrap());
        let plan = Box::new((*self.coordinator.plan(&ask, "eve").await.unwrap()).clone());
        let run = RunId::new("20261122-020000-demo").unwrap();
        self.append(&run, Event::RunStarted { plan, by: "eve".into() });
        self.append(&run, paused());
        run
    }

    pub(crate) fn append(&self, run: &RunId, event: Event) {
        self.coordinator.store().append(Some(run), event).unwrap();
    }
}

fn paused() -> Event {
    let reason = StopReason {
        code: "asked".into(),
        message: "asked by eve".into(),
        detail: String::new(),
        undone: String::new(),
        next: "podlift resume".into(),
    };
    Event::RunPaused { reason, by: Some("eve".into()), now: false }
}

#[derive(Default)]
struct Seen {
    records: Vec<(u64, bool)>,
    disconnections: u32,
    first: Arc<Notify>,
}

impl Observer for Seen {
    fn record(&mut self, record: &Record, _: &RunState, is_new: bool) {
        self.records.push((record.seq, is_new));
        self.first.notify_one();
    }
    fn disconnected(&mut self) {
        self.disconnections += 1;
    }
}

impl Seen {
    /// Whether each record was new. Records of the fleet may lie between those of the run.
    fn news(&self) -> Vec<bool> {
        assert!(self.records.is_sorted_by(|a, b| a.0 < b.0), "{:?}", self.records);
        self.records.iter().map(|r| r.1).collect()
    }
}

#[tokio::test]
async fn a_run_is_followed_through_a_restart_and_no_record_comes_twice() {
    let (site, listener) = site().await;
    let run = site.paused_run().await;
    let first_server = site.serve(listener);
    let mut client = site.endpoint().connect().await.unwrap();
    let from = position(&mut client, Some(run.as_str())).await.unwrap();
    let mut seen = Seen::default();
    let first = seen.first.clone();
    let restart = async {
        first.notified().await;
        drop(first_server);
        site.append(&run, Event::RunResumed { by: "eve".into() });
        site.append(&run, paused());
        // The port is free once the first server has ended.
        let listener = loop {
            match TcpListener::bind(site.address).await {
                Ok(listener) => break listener,
                Err(_) => tokio::task::yield_now().await,
            }
        };
        site.serve(listener)
    };
    let endpoint = site.endpoint();
    let (end, _second_server) = tokio::join!(follow(&endpoint, client, from, &mut seen), restart);
    assert!(matches!(end.unwrap().status, RunStatus::Paused { .. }));
    assert_eq!(seen.news(), [false, false, true, true]);
    assert!(seen.disconnections <= 1);
}

#[tokio::test]
async fn a_pause_before_the_position_does_not_end_the_following() {
    let (site, listener) = site().await;
    let run = site.paused_run().await;
    let _server = site.serve(listener);
    let mut client = site.endpoint().connect().await.unwrap();
    let from = position(&mut client, None).await.unwrap();
    assert_eq!(from.run, run.to_string());
    site.append(&run, Event::RunResumed { by: "eve".into() });
    site.append(&run, paused());
    let mut seen = Seen::default();
    follow(&site.endpoint(), client, from, &mut seen).await.unwrap();
    assert_eq!(seen.news(), [false, false, true, true]);
    assert_eq!(seen.disconnections, 0);
}

#[tokio::test]
async fn answers_are_typed_and_errors_have_a_kind() {
    let (site, listener) = site().await;
    let unreachable = site.endpoint();
    let server = site.serve(listener);
    let mut client = site.endpoint().connect().await.unwrap();
    let status = client.status(None, String::new()).await.unwrap();
    assert_eq!(status.view().unwrap().cluster, cluster());
    assert!(status.json().contains("\"podlift.status/v1\""));
    let query = PlanQuery::new(Goal::Upgrade { to: "v1.32.9".parse().unwrap() });
    let mut looks = 0;
    let plan = client.plan(&query, |_| looks += 1).await.unwrap().view().unwrap();
    assert!(looks > 0 && plan.blockers().next().is_none());
    let other = PlanQuery { goal: Goal::Upgrade { to: "v1.34.0".parse().unwrap() }, ..query };
    assert_eq!(client.plan(&other, |_| {}).await.unwrap_err().kind, Kind::Usage);
    assert_eq!(client.report(None).await.unwrap_err().kind, Kind::Failed);
    drop(server);
    let missing = Endpoint::new(site.dir.path().join("none.toml"), |_| {});
    assert_eq!(missing.connect().await.err().unwrap().kind, Kind::Usage);
    while TcpListener::bind(site.address).await.is_err() {
        tokio::task::yield_now().await;
    }
    assert_eq!(unreachable.connect().await.err().unwrap().kind, Kind::Unreachable);
}

#[tokio::test]
async fn the_live_model_folds_each_record_once_and_turns_to_the_next_run() {
    let (site, listener) = site().await;
    site.paused_run().await;
    let _server = site.serve(listener);
    let mut client = site.endpoint().connect().await.unwrap();
    let query = EventsQuery { runs: RunScope::Newest, from: 0, last: None, follow: false };
    let mut events = client.events(&query).await.unwrap();
    let mut records = Vec::new();
    while let Some(answer) = events.next().await.unwrap() {
        records.push(answer.view().unwrap());
    }
    let mut live = Live::default();
    let taken: Vec<bool> = records.iter().chain(&records).map(|r| live.take_record(r).unwrap()).collect();
    assert_eq!(taken, [true, true, false, false]);
    assert_eq!(live.summary().unwrap().status, "paused");
    assert!(live.work().iter().all(|w| w.state != WorkState::Failed));
    let next = RunId::new("20261123-020000-next").unwrap();
    let record = Record { seq: live.next, run: Some(next.clone()), ..records[0].clone() };
    assert_eq!(live.take_record(&record), Ok(true));
    assert_eq!(live.run.as_ref().unwrap().run, next);
}

#[tokio::test]
async fn the_feed_brings_status_and_records_and_ends_with_its_value() {
    let (site, listener) = site().await;
    site.paused_run().await;
    let _server = site.serve(listener);
    let (to, mut from) = tokio::sync::mpsc::channel::<Update>(1);
    let feed = Feed::start(&site.endpoint(), &to);
    drop(to);
    let mut live = Live::default();
    while live.status.is_none() || live.run.as_ref().is_none_or(|r| r.status == RunStatus::Running) {
        match from.recv().await.unwrap() {
            Update::Status(status) => live.take_status(*status),
            Update::Record(record) => assert!(live.take_record(&record).unwrap()),
            Update::Disconnected(error) => panic!("{error:?}"),
        }
    }
    assert_eq!(live.link, Link::Up);
    live.disconnected("connection refused".into(), SystemClock.now());
    let first = live.link.clone();
    live.disconnected("connection reset".into(), SystemClock.now());
    assert_eq!(live.link, first, "the first failure is the one that is shown");
    drop(feed);
    while from.recv().await.is_some() {}
}

#[test]
fn no_terminal_library_is_a_dependency() {
    let manifest = include_str!("../Cargo.toml");
    for library in ["clap", "ratatui", "anstream", "anstyle", "indicatif", "comfy-table", "crossterm"] {
        assert!(!manifest.contains(library), "{library} belongs into the command line");
    }
}
