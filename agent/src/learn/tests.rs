//! What the agent learns, and what it must never learn.

use super::api_server::LIVED;
use super::patience::LONG;
use super::{Patience, learn, round};
use crate::node::Node;
use crate::testing::{Bench, EMPTY_API, LIVE_API, LIVE_KCM, LIVE_SCHEDULER, exited, said};
use async_trait::async_trait;
use podlift_heal::Learned;
use podlift_host::paths;
use podlift_host::{Http, HttpError, HttpTls, Invocation, Trust};
use podlift_model::Digest;
use podlift_model::op::Component;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SERVERS: &str = "https://10.77.0.11:2379,https://10.77.0.12:2379,https://10.77.0.13:2379";
const API: Component = Component::KubeApiserver;

/// A node's answers: containers with their command lines, health endpoints, and etcd by endpoint.
struct World {
    /// The manifest from which each container was made.
    runs: BTreeMap<&'static str, String>,
    /// Time of creation, nanoseconds.
    created: i128,
    /// Status by port.
    health: BTreeMap<&'static str, u16>,
    /// Cluster by host.
    etcd: BTreeMap<&'static str, u64>,
    etcdctl: bool,
}

type Shared = Arc<Mutex<World>>;

struct Server(Shared);

#[async_trait]
impl Http for Server {
    async fn get(&self, endpoint: &str, path: &str, tls: &HttpTls) -> Result<(u16, String), HttpError> {
        let port = endpoint.rsplit_once(':').unwrap().1;
        assert_eq!(tls.trust == Trust::OwnLoopback, port != "6443", "who is believed at {endpoint}");
        let refused =
            || HttpError { url: format!("https://{endpoint}{path}"), why: "connection refused".into() };
        let status = *self.0.lock().unwrap().health.get(port).ok_or_else(refused)?;
        Ok((status, format!("[+]ping ok\n[-]etcd failed: {status}\n")))
    }
}

impl World {
    fn pod(&self, name: &str) -> serde_json::Value {
        json!({"id": format!("pod-{name}"), "metadata": {"name": format!("{name}-runai-01"), "namespace": "kube-system"},
            "state": "SANDBOX_READY", "createdAt": self.created.to_string(), "labels": {"component": name},
            "annotations": {"kubernetes.io/config.hash": "abc", "kubernetes.io/config.source": "file"}})
    }

    fn answer(&self, call: &Invocation) -> Result<podlift_host::Output, podlift_host::CommandError> {
        let arg = |n: usize| call.args.get(n).map_or("", String::as_str);
        match (call.program, arg(0)) {
            ("crictl", "pods") => {
                let pods: Vec<_> = self.runs.keys().map(|name| self.pod(name)).collect();
                said(&json!({"items": pods}).to_string())
            }
            ("crictl", "ps") => {
                let name = call.args.iter().skip_while(|a| *a != "--name").nth(1).unwrap();
                let state = if self.runs.contains_key(name.as_str()) {
                    "CONTAINER_RUNNING"
                } else {
                    "CONTAINER_EXITED"
                };
                let container = json!({"id": name, "podSandboxId": format!("pod-{name}"), "metadata": {"name": name}, "state": state,
                    "createdAt": self.created.to_string()});
                said(&json!({"containers": [container]}).to_string())
            }
            ("crictl", "inspect") => {
                let manifest = self.runs.get(arg(1)).map_or("", String::as_str);
                let state = if manifest.is_empty() { "CONTAINER_EXITED" } else { "CONTAINER_RUNNING" };
                let image = manifest.lines().find_map(|l| l.trim().strip_prefix("image: "));
                let process = json!({"process": {"args": words(manifest)}});
                said(&json!({"status": {"state": state, "image": {"image": image}}, "info": {"runtimeSpec": process}}).to_string())
            }
            ("etcdctl", _) if !self.etcdctl => Err(podlift_host::CommandError::NotFound {
                program: "etcdctl".into(),
                path: "/usr/bin".into(),
            }),
            ("etcdctl", endpoints) => {
                let all = endpoints.trim_start_matches("--endpoints=").split(',');
                let status =
                    |e: &str| Some((e.to_string(), *self.etcd.iter().find(|(host, _)| e.contains(*host))?.1));
                let all: Vec<_> = all.filter_map(status).map(|(endpoint, cluster)| {
                    json!({"Endpoint": endpoint, "Status": {"header": {"cluster_id": cluster}}})
                }).collect();
                said(&serde_json::Value::from(all).to_string())
            }
            _ => exited(1, ""),
        }
    }
}

fn words(manifest: &str) -> Vec<&str> {
    let items = manifest.lines().filter_map(|l| l.trim().strip_prefix("- "));
    items.filter(|w| w.starts_with("--") || w.starts_with("kube-")).collect()
}

struct Rig {
    bench: Bench,
    world: Shared,
    node: Arc<Node>,
}

impl Rig {
    /// A healthy node.
    fn new() -> Self {
        let runs = [
            ("kube-apiserver", LIVE_API),
            ("kube-controller-manager", LIVE_KCM),
            ("kube-scheduler", LIVE_SCHEDULER),
        ];
        let etcd = ["10.77.0.11", "10.77.0.12", "10.77.0.13"].map(|host| (host, 0xabc));
        let world = World {
            runs: runs.map(|(name, text)| (name, text.to_string())).into(),
            created: 1_000_000,
            health: [("6443", 200), ("10257", 200), ("10259", 200)].into(),
            etcd: etcd.into(),
            etcdctl: true,
        };
        let world = Arc::new(Mutex::new(world));
        let answers = world.clone();
        let mut bench = Bench::new(move |call| answers.lock().unwrap().answer(call)).control_plane();
        bench.host.http = Arc::new(Server(world.clone()));
        let node = bench.node();
        Self { bench, world, node }
    }
    fn change(&self, change: impl FnOnce(&mut World)) {
        change(&mut self.world.lock().unwrap());
    }
    /// Puts a manifest, and runs its container with it.
    fn put(&self, component: Component, text: &str) {
        self.bench.files.put(paths::manifest(component), text.as_bytes());
    }
    async fn round(&self) {
        round(&self.node, &mut Patience::default()).await;
    }
    /// Why nothing was learned; `None` if it was.
    fn why(&self, component: Component) -> Option<String> {
        let files = self.node.heal.facts().files;
        let file = files.into_iter().find(|file| file.component == component).unwrap();
        file.unlearned.map(|unlearned| unlearned.why)
    }
    fn other(&self) -> Option<String> {
        self.node.heal.facts().expectations.unwrap().other_etcd
    }
    fn knows(&self, component: Component, text: &str) -> bool {
        self.node.heal.knows(component, &Digest::of(text))
    }
}

#[tokio::test(start_paused = true)]
async fn learns_while_ready_with_the_manifest_on_the_disk() {
    let rig = Rig::new();
    rig.round().await;
    let learned = rig.node.heal.expectations().unwrap();
    assert_eq!((learned.etcd_servers.as_str(), learned.etcd_cluster.as_deref()), (SERVERS, Some("abc")));
    assert_eq!(learned.learned_from, Digest::of(LIVE_API));
    let good = rig.node.heal.facts().files.iter().filter(|file| file.good.len() == 1).count();
    assert_eq!(good, 3);
    assert!(Component::ALL.iter().all(|c| rig.why(*c).is_none()));
    assert_eq!(rig.bench.node().heal.expectations().unwrap().etcd_servers, SERVERS, "after a restart too");
}

#[tokio::test(start_paused = true)]
async fn each_component_is_learned_alone_and_why_not_is_said() {
    type Change = fn(&mut World);
    let cases: [(&str, Component, Change, &str); 7] = [
        (
            "not ready",
            API,
            |w| {
                w.health.insert("6443", 500);
            },
            "[-]etcd failed: 500",
        ),
        (
            "away",
            API,
            |w| {
                w.health.remove("6443");
            },
            "connection refused",
        ),
        (
            "scheduler not healthy",
            Component::KubeScheduler,
            |w| {
                w.health.insert("10259", 500);
            },
            "[-]etcd failed: 500",
        ),
        (
            "no scheduler",
            Component::KubeScheduler,
            |w| {
                w.runs.remove("kube-scheduler");
            },
            "no container of kube-scheduler runs",
        ),
        (
            "another manifest",
            Component::KubeControllerManager,
            |w| {
                let text = LIVE_KCM.replace("--leader-elect=true", "--leader-elect=false");
                w.runs.insert("kube-controller-manager", text);
            },
            "manifest",
        ),
        ("etcd is silent", API, |w| w.etcd.clear(), "etcd does not answer"),
        (
            "two clusters",
            API,
            |w| {
                w.etcd.insert("10.77.0.13", 0xdef);
            },
            "more than one cluster",
        ),
    ];
    for (case, component, change, want) in cases {
        let rig = Rig::new();
        rig.change(change);
        rig.round().await;
        for other in Component::ALL {
            let why = rig.why(*other);
            match *other == component {
                true => assert!(why.as_ref().is_some_and(|why| why.contains(want)), "{case}: {why:?}"),
                false => assert_eq!(why, None, "{case}: {other}"),
            }
        }
        assert_eq!(rig.node.heal.expectations().is_some(), component != API, "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_wants_credentials_is_learned_when_it_has_lived_a_minute() {
    let rig = Rig::new();
    let now = rig.bench.host.clock.now().as_nanosecond();
    rig.change(|w| {
        w.health = [("6443", 401), ("10257", 403), ("10259", 401)].into();
        w.created = now;
    });
    rig.round().await;
    assert!(Component::ALL.iter().all(|c| rig.why(*c).is_some_and(|why| why.contains("wants credentials"))));
    tokio::time::advance(LIVED).await;
    rig.round().await;
    assert!(rig.knows(API, LIVE_API) && rig.knows(Component::KubeScheduler, LIVE_SCHEDULER));
}

#[tokio::test(start_paused = true)]
async fn without_etcdctl_the_rest_is_learned() {
    let rig = Rig::new();
    rig.change(|w| w.etcdctl = false);
    rig.round().await;
    assert_eq!(rig.node.heal.expectations().unwrap().etcd_cluster, None);
}

#[tokio::test(start_paused = true)]
async fn an_opaque_manifest_is_told_and_nothing_of_it_is_learned() {
    let rig = Rig::new();
    let opaque =
        LIVE_API.replace("    - kube-apiserver\n", "    - /bin/sh\n    - -c\n    - kube-apiserver\n");
    rig.put(API, &opaque);
    rig.round().await;
    let why = rig.why(API).unwrap();
    assert!(why.contains("sh -c"), "{why}");
    assert_eq!(rig.node.heal.expectations(), None);
}

/// Moves etcd: the manifest names other members, and the old ones still run.
async fn moved() -> (Rig, String) {
    let rig = Rig::new();
    rig.round().await;
    let text = LIVE_API.replace("10.77.0.", "10.88.0.").replace("10.88.0.11:6443", "10.77.0.11:6443");
    let text = text
        .replace("advertise-address=10.88", "advertise-address=10.77")
        .replace("host: 10.88", "host: 10.77");
    rig.change(|w| {
        w.etcd.extend([("10.88.0.11", 0xdef), ("10.88.0.12", 0xdef), ("10.88.0.13", 0xdef)]);
        w.runs.insert("kube-apiserver", text.clone());
    });
    rig.put(API, &text);
    rig.round().await;
    (rig, text)
}

#[tokio::test(start_paused = true)]
async fn a_moved_etcd_is_another_and_the_old_members_lift_nothing() {
    let (rig, _) = moved().await;
    assert_eq!(rig.other().as_deref(), Some("def"));
    assert!(rig.why(API).unwrap().contains("expected abc"), "nothing of it is learned");
    // The flag is emptied: the old members are asked, and answer as expected.
    rig.put(API, EMPTY_API);
    rig.round().await;
    assert_eq!(rig.other().as_deref(), Some("def"), "asking the old ones lifts nothing");
    rig.node.heal.look_at_all();
    assert_eq!(rig.bench.files.text(paths::manifest(API)), EMPTY_API, "nothing is put there");
    // A person restores the expected endpoints: those in the manifest answer as expected.
    rig.put(API, LIVE_API);
    rig.round().await;
    assert_eq!(rig.other(), None);
}

#[tokio::test(start_paused = true)]
async fn one_member_of_another_cluster_among_the_endpoints_is_another_cluster() {
    let rig = Rig::new();
    rig.round().await;
    rig.change(|w| {
        w.etcd.insert("10.77.0.12", 0xdef);
    });
    rig.round().await;
    assert_eq!(rig.other().as_deref(), Some("def"));
}

#[tokio::test(start_paused = true)]
async fn an_id_that_is_not_known_is_asked_for_until_it_is_and_never_of_other_endpoints() {
    let rig = Rig::new();
    rig.change(|w| w.etcd.clear());
    let learned = Learned { servers: SERVERS.into(), ..Learned::default() };
    rig.node.heal.learned(learned, &Digest::of(LIVE_API)).unwrap();
    let id = || rig.node.heal.expectations().unwrap().etcd_cluster;
    rig.round().await;
    assert_eq!(id(), None);
    let other = LIVE_API.replace("https://10.77.0.13:2379", "https://10.77.0.99:2379");
    rig.change(|w| {
        w.etcd.insert("10.77.0.99", 0x999);
    });
    rig.put(API, &other);
    rig.round().await;
    assert_eq!(id(), None, "999 is not the cluster of the endpoints that are expected");
    rig.put(API, LIVE_API);
    rig.change(|w| {
        w.etcd.insert("10.77.0.11", 0xabc);
    });
    rig.round().await;
    assert_eq!(id().as_deref(), Some("abc"));
}

#[tokio::test(start_paused = true)]
async fn while_a_kubeadm_runs_nobody_is_asked() {
    let (rig, _) = moved().await;
    let before = rig.bench.commands.calls().len();
    rig.node.heal.kubeadm_started();
    rig.put(API, LIVE_API);
    rig.round().await;
    assert_eq!((rig.bench.commands.calls().len(), rig.other().as_deref()), (before, Some("def")));
    rig.node.heal.kubeadm_ended();
    rig.round().await;
    assert_eq!(rig.other(), None);
}

#[tokio::test(start_paused = true)]
async fn what_was_known_before_and_is_there_again_is_known() {
    let rig = Rig::new();
    let mut patience = Patience::default();
    round(&rig.node, &mut patience).await;
    rig.put(Component::KubeScheduler, &LIVE_SCHEDULER.replace("--leader-elect=true", "--leader-elect=false"));
    round(&rig.node, &mut patience).await;
    assert!(rig.why(Component::KubeScheduler).is_some(), "its container runs with another manifest");
    rig.put(Component::KubeScheduler, LIVE_SCHEDULER);
    round(&rig.node, &mut patience).await;
    assert_eq!(rig.why(Component::KubeScheduler), None);
}

#[tokio::test(start_paused = true)]
async fn the_loop_asks_again_until_there_is_something_to_learn() {
    let rig = Rig::new();
    rig.change(|w| {
        w.health.remove("6443");
    });
    let node = rig.node.clone();
    let learning = tokio::spawn(async move { learn(&node).await });
    tokio::time::sleep(LONG + Duration::from_secs(60)).await;
    assert!(rig.why(API).unwrap().contains("connection refused"));
    rig.change(|w| {
        w.health.insert("6443", 200);
    });
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(rig.knows(API, LIVE_API));
    learning.abort();
}
