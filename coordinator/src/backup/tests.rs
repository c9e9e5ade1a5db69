//! Sets of the small fleet: complete ones, and those that must not be made.
#![allow(clippy::disallowed_methods)] // files are broken by hand

mod secrets;

use super::*;
use crate::core::{BackupAsk, Coordinator, CoordinatorError, Settings};
use crate::exec::ExecSettings;
use crate::journal::MemoryJournal;
use crate::testing::{Fleet, assemble, name, options, store};
use podlift_backup::{Kind, Stored};
use podlift_engine::machine::Event;
use std::path::{Path, PathBuf};
use std::task::Poll;
use tokio_util::sync::{CancellationToken, DropGuard};

fn identity() -> age::x25519::Identity {
    age::x25519::Identity::generate()
}

fn settings(to: Option<&age::x25519::Identity>) -> Settings {
    let recipients = to.iter().map(|i| i.to_public().to_string().parse().unwrap()).collect();
    let backup = BackupSettings { recipients, ..BackupSettings::default() };
    Settings { exec: ExecSettings::default(), options: options(), backup, ..Settings::default() }
}

/// Makes agents encrypt to the coordinator's recipients.
fn recipients(fleet: &Fleet, settings: &BackupSettings) {
    let all: Vec<String> = settings.recipients.iter().map(|r| format!("{r:?}")).collect();
    fleet.lock().facts.values_mut().for_each(|f| f.recipients = all.clone());
}

/// What a refusal must name, and the damage that causes it.
type Break<'a> = (&'a str, &'a dyn Fn(&Fleet));

struct Site {
    fleet: Arc<Fleet>,
    coordinator: Arc<Coordinator>,
    _stop: DropGuard,
}

async fn site_with(settings: Settings) -> Site {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    recipients(&fleet, &settings.backup);
    let coordinator = assemble(&fleet, store(&journal), "one", settings);
    let stop = CancellationToken::new();
    tokio::spawn(coordinator.clone().run(stop.clone()));
    let mut fence = coordinator.fence().subscribe();
    while coordinator.fence().commanding().is_none() {
        fence.changed().await.unwrap();
    }
    Site { fleet, coordinator, _stop: stop.drop_guard() }
}

fn quiet() -> OnProgress {
    Arc::new(|_| ())
}

fn ask(name: &str) -> BackupAsk {
    BackupAsk { name: RunId::new(name).ok(), without: vec![] }
}

impl Site {
    async fn backup(&self, name: &str) -> Result<podlift_engine::view::BackupCheck, CoordinatorError> {
        self.coordinator.backup(&ask(name), "eve", quiet()).await
    }
    fn dir(&self, name: &str) -> PathBuf {
        self.fleet.backups().join(name)
    }
    /// The error of a set that must fail; checks that no set exists.
    async fn refused(&self, name: &str) -> String {
        let error = self.backup(name).await.unwrap_err();
        assert!(!self.dir(name).exists());
        let left = std::fs::read_dir(self.fleet.backups()).map_or(0, Iterator::count);
        assert_eq!(left, 0, "nothing of the attempt stays");
        match error {
            CoordinatorError::BackupNotMade(failure) => failure.message,
            other => panic!("{other:?}"),
        }
    }
}

fn read(dir: &Path, path: &str) -> Vec<u8> {
    podlift_common::durable::read(&dir.join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

#[tokio::test(start_paused = true)]
async fn a_set_has_every_member_and_secrets_open_with_the_identity_alone() {
    let who = identity();
    let site = site_with(settings(Some(&who))).await;
    let check = site.backup("b1").await.unwrap();
    assert_eq!((check.whole, check.journaled, check.problems.len()), (true, true, 0));
    assert_eq!(
        (check.backup.revision, check.backup.left_out.len()),
        (Some(4107), 1),
        "{:?}",
        check.backup.left_out
    );
    let dir = site.dir("b1");
    let (manifest, _) = podlift_backup::verify(&dir, None).unwrap();
    for kind in objects::KINDS.into_iter().chain([Kind::EtcdSnapshot, Kind::EtcdConfig, Kind::Manifest]) {
        assert!(manifest.members.iter().any(|m| m.kind == kind), "{kind}");
    }
    for m in &manifest.members {
        let stored = read(&dir, &m.path);
        match m.stored {
            Stored::Plain => assert!(!stored.windows(4).any(|w| w == b"S0VZ"), "{}", m.path),
            Stored::Age => {
                let plain = age::decrypt(&who, &stored).unwrap();
                // Only the agent of a node has seen the content of its file.
                let known = if m.path.starts_with("nodes/") { &stored } else { &plain };
                assert_eq!(Digest::of(known), m.content_sha256, "{}", m.path);
            }
        }
    }
    let services = String::from_utf8(read(&dir, "cluster/load-balancer-services.json")).unwrap();
    let services: serde_json::Value = serde_json::from_str(&services).unwrap();
    assert_eq!(services["items"].as_array().unwrap().len(), 1, "the ClusterIP service is none");
    assert_eq!(
        (&services["items"][0]["kind"], &services["items"][0]["spec"]["unknownField"]),
        (&"Service".into(), &1.5.into())
    );
    let secrets = age::decrypt(&who, &read(&dir, "cluster/tls-secrets.json.age")).unwrap();
    let secrets: serde_json::Value = serde_json::from_slice(&secrets).unwrap();
    assert_eq!(secrets["items"].as_array().unwrap().len(), 2, "the ingress's and the default one");
    let workloads: serde_json::Value = serde_json::from_slice(&read(&dir, "cluster/workloads.json")).unwrap();
    assert_eq!(workloads["items"][0]["metadata"]["namespace"], "runai-team-a");
    assert_eq!(workloads["items"].as_array().unwrap().len(), 1);
    let nodes: serde_json::Value = serde_json::from_slice(&read(&dir, "cluster/nodes.json")).unwrap();
    assert_eq!(nodes["items"].as_array().unwrap().len(), 5, "every page");
}

#[tokio::test(start_paused = true)]
async fn without_a_recipient_no_secret_is_kept_and_that_is_said() {
    let site = site_with(settings(None)).await;
    let check = site.backup("b1").await.unwrap();
    assert!(check.whole && !check.backup.encrypted && check.backup.revision.is_none());
    for kind in ["etcd-snapshot", "kubeconfig", "pki", "tls-secrets"] {
        assert!(
            check.backup.left_out.iter().any(|l| l.starts_with(kind)),
            "{kind}: {:?}",
            check.backup.left_out
        );
    }
    assert_eq!(site.fleet.count("etcd-snapshot"), 0, "nobody could keep it");
}

#[tokio::test(start_paused = true)]
async fn a_missing_or_empty_member_is_named_and_makes_no_set() {
    let who = identity();
    let site = site_with(settings(Some(&who))).await;
    let break_one: [Break; 6] = [
        ("manifest of runai-02", &|f| {
            f.lock().files.remove("runai-02", "/etc/kubernetes/manifests/kube-apiserver.yaml");
        }),
        ("etcd-config of runai-03", &|f| {
            f.lock().files.remove("runai-03", "/etc/systemd/system/etcd.service")
        }),
        ("/var/lib/kubelet/config.yaml of dgx030 is empty", &|f| {
            f.lock().files.put("dgx030", "/var/lib/kubelet/config.yaml", b"");
        }),
        ("kubelet-config", &|f| {
            f.lock().objects.single.remove("/api/v1/namespaces/kube-system/configmaps/kubelet-config");
        }),
        ("pods is empty", &|f| drop(f.lock().objects.lists.insert("/api/v1/pods".into(), vec![]))),
        ("/apis/networking.k8s.io/v1/ingresses may not be read", &|f| {
            f.lock().objects.forbidden.push("/apis/networking.k8s.io/v1/ingresses".into());
        }),
    ];
    for (n, (want, break_it)) in break_one.into_iter().enumerate() {
        let site = if n == 0 { &site } else { &site_with(settings(Some(&who))).await };
        break_it(&site.fleet);
        let why = site.refused("b1").await;
        assert!(why.contains(want), "{want}: {why}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_that_is_damaged_or_arrives_cut_off_makes_no_set() {
    let site = site_with(settings(Some(&identity()))).await;
    let world = |s: &Site| {
        s.fleet.lock().idle.insert("etcd-snapshot".into());
        let bytes = [vec![1; 1024], vec![0; 32]].concat();
        s.fleet.lock().files.put("runai-01", "/var/lib/podlift/backup/backup-b1/etcd.db", &bytes);
        s.fleet.lock().snapshot = Some(podlift_model::facts::SnapshotState {
            sha256: Digest::of(&bytes),
            bytes: 5000,
            revision: 1,
            verified: true,
        });
    };
    world(&site);
    let why = site.refused("b1").await;
    assert!(why.contains("arrived from runai-01 with") && why.contains("5000"), "{why}");
    site.fleet.lock().snapshot.as_mut().unwrap().verified = false;
    assert!(site.refused("b2").await.contains("damaged"));
}

#[tokio::test(start_paused = true)]
async fn a_node_that_is_away_can_be_left_out_by_name() {
    let site = site_with(settings(None)).await;
    site.fleet.lock().offline.insert(name("dgx031"));
    let error = site.backup("b1").await.unwrap_err();
    let info = podlift_common::wire::StatusError::info(&error);
    assert_eq!((info.reason, info.next.as_str()), ("BACKUP_AGENTS_AWAY", "podlift backup --without dgx031"));
    let without = BackupAsk { without: vec![name("dgx031")], ..ask("b1") };
    let check = site.coordinator.backup(&without, "eve", quiet()).await.unwrap();
    assert!(check.backup.left_out.iter().any(|l| l.contains("dgx031") && l.contains("operator")));
    let unknown = BackupAsk { without: vec![name("dgx999")], ..ask("b2") };
    let error = site.coordinator.backup(&unknown, "eve", quiet()).await.unwrap_err();
    assert!(matches!(error, CoordinatorError::UnknownNode { .. }));
}

/// The backup of a run, over a fleet whose control plane has a snapshot for run r1.
struct OfRun {
    fleet: Arc<Fleet>,
    backups: Backups,
    epoch: Epoch,
    order: Order,
}

impl OfRun {
    fn new() -> Self {
        let fleet = Fleet::new();
        let run = RunId::new("r1").unwrap();
        let recipients = vec![identity().to_public().to_string().parse().unwrap()];
        let settings = BackupSettings { directory: fleet.backups(), recipients, ..BackupSettings::default() };
        super::tests::recipients(&fleet, &settings);
        let cluster = ClusterName::new("runaicluster").unwrap();
        let backups = Backups::new(settings, cluster, Arc::new(podlift_common::clock::SystemClock));
        let nodes: Vec<NodeName> = fleet.lock().views.keys().cloned().collect();
        let snapshot = fleet.lock().files.snapshot(&name("runai-01"), &run);
        fleet.lock().snapshot = Some(snapshot);
        let epoch = Epoch { number: 1, instance: podlift_model::InstanceId::new("one").unwrap() };
        Self { fleet, backups, epoch, order: Order::of_run(&run, &nodes) }
    }
    async fn collect(&self, tell: OnProgress) -> Result<SealedSet, Failure> {
        let world = World { agents: self.fleet.as_ref(), cluster: self.fleet.as_ref(), epoch: &self.epoch };
        self.backups.collect(&self.order, world, tell).await
    }
    fn dir(&self) -> PathBuf {
        self.fleet.backups().join("r1")
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_gets_the_same_set_twice_and_a_damaged_one_stops_it() {
    let run = OfRun::new();
    assert!(run.backups.sealed("r1", None).await.unwrap().is_none());
    let first = run.collect(quiet()).await.unwrap();
    run.fleet.lock().files.put("dgx030", "/var/lib/kubelet/config.yaml", b"changed since");
    let second = run.collect(quiet()).await.unwrap();
    assert_eq!(first.view(), second.view(), "never made anew under the same name");
    std::fs::write(run.dir().join("cluster/pods.json"), b"{}").unwrap();
    let failure = run.collect(quiet()).await.unwrap_err();
    assert_eq!(failure.code, failure::DAMAGED);
    assert!(failure.message.contains("cluster/pods.json"), "{}", failure.message);
}

#[tokio::test(start_paused = true)]
async fn a_damaged_set_hides_no_copy_of_an_older_one() {
    let mut run = OfRun::new();
    run.collect(quiet()).await.unwrap();
    let newer = RunId::new("r2").unwrap();
    run.order.run = newer.clone();
    let sealed = run.collect(quiet()).await.unwrap();
    let damage = |set: &str| {
        let member = run.fleet.backups().join(set).join("cluster/load-balancer-services.json");
        std::fs::write(member, b"{}").unwrap();
    };
    let copy = || run.backups.service(Some((&newer, &sealed.sha256)), "ingress-nginx", "controller");
    damage("r2");
    assert_eq!(copy().await.unwrap().unwrap()["metadata"]["name"], "controller");
    damage("r1");
    assert_eq!(copy().await.unwrap_err().code, failure::DAMAGED);
}

#[tokio::test(start_paused = true)]
async fn what_is_given_up_in_the_middle_leaves_nothing_that_verifies() {
    let run = OfRun::new();
    let mut stopped = 0;
    for stop_after in 1..40u32 {
        let reports = Arc::new(AtomicU32::new(0));
        let count = reports.clone();
        let work = run.collect(Arc::new(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
        }));
        let mut work = std::pin::pin!(work);
        // Simulates a crash: drops the future after this many reports.
        let ended = std::future::poll_fn(|cx| match work.as_mut().poll(cx) {
            Poll::Ready(ended) => Poll::Ready(Some(ended)),
            Poll::Pending if reports.load(Ordering::Relaxed) >= stop_after => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        })
        .await;
        match ended {
            None => {
                stopped += 1;
                let named = run.backups.sealed("r1", None).await;
                assert!(named.is_ok(), "{stop_after}: what has a name is whole: {named:?}");
            }
            Some(ended) => {
                ended.unwrap();
                break;
            }
        }
    }
    assert!(stopped > 5, "it was stopped in the middle {stopped} times");
    assert!(run.backups.sealed("r1", None).await.unwrap().is_some(), "and the next attempt makes it");
    let left = run.backups.list().await.unwrap();
    assert_eq!(left.len(), 1, "what was begun is gone: {left:?}");
}

#[tokio::test(start_paused = true)]
async fn sets_are_listed_verified_and_old_ones_go() {
    let mut settings = settings(None);
    settings.backup.keep = std::num::NonZeroU32::new(2).unwrap();
    let site = site_with(settings).await;
    let none = site.coordinator.verify_backup(None, quiet()).await.unwrap_err();
    assert!(matches!(none, CoordinatorError::NoBackup { name: None }));
    for name in ["b1", "b2", "b3"] {
        site.backup(name).await.unwrap();
        tokio::time::advance(std::time::Duration::from_secs(60)).await;
    }
    let list = site.coordinator.backups().await.unwrap();
    let names: Vec<&str> = list.backups.iter().map(|b| b.name.as_str()).collect();
    assert_eq!(names, ["b3", "b2"]);
    assert!(matches!(site.backup("b2").await, Err(CoordinatorError::BackupExists { .. })));
    std::fs::write(site.dir("b3").join("cluster/nodes.json"), b"{}").unwrap();
    let newest = site.coordinator.verify_backup(None, quiet()).await.unwrap();
    assert_eq!(
        (newest.backup.name.as_str(), newest.backup.state.as_str(), newest.whole),
        ("b3", "damaged", false)
    );
    assert!(newest.problems.iter().any(|p| p.contains("cluster/nodes.json")), "{:?}", newest.problems);
}

#[tokio::test(start_paused = true)]
async fn a_set_that_was_replaced_as_a_whole_is_another_than_the_journal_has() {
    let site = site_with(settings(None)).await;
    site.backup("b1").await.unwrap();
    site.backup("b2").await.unwrap();
    let made = crate::testing::records(site.coordinator.store(), 0)
        .into_iter()
        .filter(|r| matches!(r.event, Event::BackupMade { .. }));
    assert_eq!(made.count(), 2);
    std::fs::remove_dir_all(site.dir("b1")).unwrap();
    std::fs::rename(site.dir("b2"), site.dir("b1")).unwrap();
    let check = site.coordinator.verify_backup(RunId::new("b1").ok().as_ref(), quiet()).await.unwrap();
    assert!(!check.whole && check.problems[0].contains("another set"), "{:?}", check.problems);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_an_agent_remembers_leaves_the_coordinator_in_command() {
    let site = site_with(settings(Some(&identity()))).await;
    site.backup("b1").await.unwrap();
    assert!(site.coordinator.store().knows(&RunId::new("backup-b1").unwrap()));
    assert!(!site.coordinator.store().knows(&RunId::new("backup-b9").unwrap()));
}
