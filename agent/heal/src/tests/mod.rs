//! The heal on a node in memory.

mod adopt;
mod evidence;
mod fight;
mod forms;
mod fuzz;
mod hygiene;
mod learning;
mod lost;
mod memory;
mod moved;
mod random;
mod rescue;
mod watching;

use super::{Endpoints, Heal, Learned, Runtime};
use crate::settings::{self, Mode};
use podlift_host::Files as _;
use podlift_host::paths;
use podlift_host::testing::{BOOT, EMPTY_API, Fakes, LIVE_API, exited};
use podlift_model::op::Component;
use podlift_model::{Digest, RunId};
use std::path::PathBuf;
use std::time::Duration;

const API: Component = Component::KubeApiserver;
const SERVERS: &str = "https://10.77.0.11:2379,https://10.77.0.12:2379,https://10.77.0.13:2379";

/// A node in memory and the heal's settings.
struct Bench {
    node: Fakes,
    settings: settings::Heal,
}

impl std::ops::Deref for Bench {
    type Target = Fakes;
    fn deref(&self) -> &Fakes {
        &self.node
    }
}

fn bench() -> Bench {
    Bench {
        node: Fakes::new(|_| exited(1, "nothing here")).control_plane(),
        settings: settings::Heal::default(),
    }
}

fn open(bench: &Bench) -> Heal {
    let (name, boot) = ("runai-01".parse().unwrap(), BOOT.parse().unwrap());
    Heal::open(bench.host.clone(), bench.settings.clone(), name, boot).unwrap()
}

/// A heal that knows the content of the live manifests.
fn knowing(bench: &Bench) -> Heal {
    let heal = open(bench);
    learn(&heal, Some("abc".into()), &Digest::of(LIVE_API)).unwrap();
    for component in [Component::KubeControllerManager, Component::KubeScheduler] {
        let hash = heal.seen(component).unwrap().hash.clone();
        heal.learned_component(component, &hash).unwrap();
    }
    heal
}

/// The API server was Ready with the manifest on the disk.
fn learn(heal: &Heal, cluster: Option<String>, from: &Digest) -> std::io::Result<()> {
    let flags = heal.seen(API).unwrap().manifest().unwrap().flags();
    let servers = flags.joined("etcd-servers").unwrap_or_default();
    let (overrides, prefix) = (flags.joined("etcd-servers-overrides"), flags.joined("etcd-prefix"));
    heal.learned(Learned { servers, overrides, prefix, cluster }, from)
}

fn api() -> PathBuf {
    paths::manifest(API)
}

fn look(heal: &Heal) {
    heal.look(API, heal.host.clock.since_boot());
}

fn run() -> RunId {
    RunId::new("r1").unwrap()
}

#[tokio::test(start_paused = true)]
async fn rescue_acts_in_steady_watch_and_hygiene_waits() {
    let b = bench();
    let heal = knowing(&b);
    b.files.put(api(), EMPTY_API.as_bytes());
    look(&heal);
    let healed = b.files.text(api());
    assert_eq!(healed, EMPTY_API.replace("--etcd-servers=", &format!("--etcd-servers={SERVERS}")));
    let [event] = heal.pending().try_into().unwrap();
    assert_eq!(
        (event.file.as_str(), event.rules.as_slice()),
        ("kube-apiserver.yaml", ["etcd-servers-empty".to_string()].as_slice())
    );
    assert_eq!((event.before, event.after), (Digest::of(EMPTY_API), Digest::of(&healed)));
    assert!(event.diff.contains("\n-    - --etcd-servers=\n+    - --etcd-servers=https"), "{}", event.diff);
    let report: Vec<_> = heal.findings().into_iter().filter(|f| f.rule == "site-gate").collect();
    assert!(report.iter().all(|f| f.report_only.is_some()) && !report.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_armed_guard_heals_what_kubeadm_writes_and_leaves_what_was_there() {
    let b = bench();
    let heal = knowing(&b);
    heal.arm(&run(), 60, &[]).unwrap();
    assert_eq!(b.files.text(api()), LIVE_API, "its gate was there before the run");
    b.files.put(api(), EMPTY_API.as_bytes());
    look(&heal);
    assert!(!b.files.text(api()).contains("MaxUnavailableStatefulSet"));
    assert_eq!(heal.pending().len(), 2, "rescue first and alone");
    assert_eq!(heal.facts().files[0].budget_left, 5, "and both are one repair");
    // Past the guard's end, without a disarm.
    tokio::time::advance(Duration::from_secs(61)).await;
    b.files.put(api(), LIVE_API.replace("v1.31.14", "v1.31.13").as_bytes());
    look(&heal);
    assert!(b.files.text(api()).contains("MaxUnavailableStatefulSet"));
}

#[tokio::test(start_paused = true)]
async fn a_newer_file_that_was_moved_in_is_read_again() {
    let b = bench();
    let heal = knowing(&b);
    b.files.put(api(), EMPTY_API.as_bytes());
    let newer = EMPTY_API.replace("v1.32.13", "v1.32.14");
    b.files.race(api(), newer.as_bytes());
    look(&heal);
    assert_eq!(b.files.text(api()), newer.replace("--etcd-servers=", &format!("--etcd-servers={SERVERS}")));
    assert_eq!(heal.pending()[0].before, Digest::of(newer));
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_right_is_left_alone() {
    let b = bench();
    let heal = knowing(&b);
    let changes = [
        LIVE_API.replace("--v=", "--vv="),
        format!("# a comment\n{LIVE_API}"),
        LIVE_API.replace("https://10.77.0.13:2379", "https://10.77.0.14:2379"),
        LIVE_API.replace("v1.31.14", "v1.32.13"),
    ];
    for text in changes {
        b.files.put(api(), text.as_bytes());
        look(&heal);
        assert_eq!(b.files.text(api()), text);
    }
    assert_eq!(heal.pending(), vec![]);
}

#[tokio::test(start_paused = true)]
async fn modes_exemptions_and_another_etcd_only_report() {
    for case in ["observe", "off", "exempt", "other etcd", "ignorant"] {
        let mut b = bench();
        match case {
            "observe" => b.settings.mode = Mode::Observe,
            "off" => b.settings.mode = Mode::Off,
            _ => {}
        }
        let heal = if case == "ignorant" { open(&b) } else { knowing(&b) };
        match case {
            "exempt" => heal.exempt(&Digest::of(EMPTY_API)).unwrap(),
            "other etcd" => heal.etcd_answered(Endpoints::Expected, "def"),
            _ => {}
        }
        b.files.put(api(), EMPTY_API.as_bytes());
        look(&heal);
        assert_eq!(b.files.text(api()), EMPTY_API, "{case}");
        // Also if repairs are forbidden: a retry must know that this node's manifest is broken.
        let found = heal.findings().iter().any(|f| f.rule == "etcd-servers-empty");
        assert_eq!(found, case != "exempt", "{case}");
        let all_report = heal.findings().iter().all(|f| f.report_only.is_some());
        assert!(all_report, "{case}: {:?}", heal.findings());
    }
}

#[tokio::test(start_paused = true)]
async fn a_fight_is_stopped_and_reported_until_somebody_takes_over() {
    let b = bench();
    let heal = knowing(&b);
    let broken = |n: u32| EMPTY_API.replace("priority: 2000001000", &format!("priority: {n}"));
    for n in 0..3 {
        b.files.put(api(), broken(n).as_bytes());
        look(&heal);
        assert!(!b.files.text(api()).contains("--etcd-servers=\n"), "repair {n}");
    }
    b.files.put(api(), broken(4).as_bytes());
    look(&heal);
    assert_eq!(b.files.text(api()), broken(4));
    let why = heal.findings().remove(0).report_only;
    assert!(why.is_some_and(|why| why.contains("undid 3 repairs")), "and says so when asked");
    heal.arm(&run(), 60, &[]).unwrap();
    assert!(b.files.text(api()).contains(SERVERS), "armed anew, it acts at once");
}

#[tokio::test(start_paused = true)]
async fn a_missing_file_comes_back_only_after_a_kubeadm_of_ours() {
    let b = bench();
    let heal = knowing(&b);
    b.files.remove(&api()).unwrap();
    look(&heal);
    assert!(b.files.read(&api()).is_err(), "a person may stop the component so");
    heal.kubeadm_started();
    look(&heal);
    assert!(b.files.read(&api()).is_err(), "kubeadm will bring it");
    heal.kubeadm_ended();
    look(&heal);
    assert_eq!(b.files.text(api()), LIVE_API);
    assert_eq!(heal.pending()[0].rules, ["missing"]);
}

#[tokio::test(start_paused = true)]
async fn what_no_kubelet_can_read_is_given_a_tick_to_become_whole() {
    for broken in [&b""[..], b"# only\n", b"a: \xff", b"a: \0", b"- a list", b"text"] {
        let b = bench();
        let heal = knowing(&b);
        b.files.put(api(), broken);
        look(&heal);
        look(&heal);
        assert_eq!(b.files.read(&api()).unwrap(), broken);
        tokio::time::advance(b.settings.tick).await;
        look(&heal);
        assert_eq!(b.files.text(api()), LIVE_API);
    }
}

#[tokio::test(start_paused = true)]
async fn history_outlives_the_agent_until_it_is_acknowledged() {
    let b = bench();
    let heal = knowing(&b);
    b.files.put(api(), EMPTY_API.as_bytes());
    look(&heal);
    let again = open(&b);
    assert_eq!(again.pending(), heal.pending());
    again.ack(&heal.pending()[0].id);
    assert_eq!(open(&b).pending(), vec![]);
}

#[tokio::test(start_paused = true)]
async fn a_repair_of_which_only_the_intent_is_known_is_told_if_the_file_shows_it() {
    let b = bench();
    let heal = knowing(&b);
    b.files.put(api(), EMPTY_API.as_bytes());
    look(&heal);
    let history = paths::heal("history.jsonl");
    let intent_only: String = b.files.text(&history).lines().take(1).map(|l| format!("{l}\n")).collect();
    b.files.put(&history, format!("{intent_only}{{\"eve").as_bytes());
    let after_crash = open(&b);
    assert_eq!(after_crash.pending()[0].id, heal.pending()[0].id);
    assert_eq!(open(&b).pending().len(), 1, "and told once");
}

#[tokio::test(start_paused = true)]
async fn temporary_files_of_an_agent_that_was_killed_are_removed_and_nothing_else() {
    let b = bench();
    for (dir, name) in [
        (paths::SCRATCH, ".podlift-1"),
        (paths::MANIFESTS, ".podlift-2"),
        (paths::SCRATCH, ".podlift-aside-3"),
        (paths::MANIFESTS, ".kubelet-keep"),
    ] {
        b.files.put(PathBuf::from(dir).join(name), b"x");
    }
    drop(open(&b));
    assert_eq!(b.files.list(paths::SCRATCH.as_ref()).unwrap(), [".podlift-aside-3"]);
    assert_eq!(b.files.list(paths::MANIFESTS.as_ref()).unwrap()[0], ".kubelet-keep");
}
