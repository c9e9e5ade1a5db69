//! The state of the small fleet, and the faults that a test may switch on.

use super::backup::{Files, Objects};
use super::bcm::Site;
use super::net::Net;
use super::work::Work;
use podlift_engine::doors::{CalicoView, NodeView};
use podlift_engine::survey::GangView;
use podlift_model::facts::*;
use podlift_model::op::Component;
use podlift_model::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

pub fn name(text: &str) -> NodeName {
    NodeName::new(text).unwrap()
}

pub const PLANES: [&str; 3] = ["runai-01", "runai-02", "runai-03"];
/// Number of the first worker, and of workers in a fleet that is not larger on purpose.
const FIRST: usize = 30;
const WORKERS: usize = 2;

pub struct Fleet {
    state: Mutex<State>,
    /// Directory of the coordinators' backups.
    scratch: tempfile::TempDir,
}

impl Default for Fleet {
    fn default() -> Self {
        Self { state: Mutex::default(), scratch: tempfile::tempdir().unwrap() }
    }
}

#[derive(Default)]
pub struct State {
    pub facts: BTreeMap<NodeName, NodeFacts>,
    pub views: BTreeMap<NodeName, NodeView>,
    pub ledgers: BTreeMap<NodeName, BTreeMap<OpId, OpOutcome>>,
    pub epochs: BTreeMap<NodeName, Epoch>,
    pub backups: BTreeMap<NodeName, BTreeMap<String, Digest>>,
    pub snapshot: Option<SnapshotState>,
    /// Snapshots of the stores of single resources.
    pub overrides: BTreeMap<String, SnapshotState>,
    pub leader: usize,
    /// How often etcd was looked at; its revision advances with each look.
    pub(super) revisions: std::cell::Cell<u64>,
    pub config: String,
    pub kubelet_config: String,
    pub kube_proxy: Option<KubeVersion>,
    /// (node or `cluster`, verb, op id) of every mutation that took place.
    pub effects: Vec<(String, String, String)>,
    /// Runs that agents remember and that this test did not start.
    pub remembered: Vec<RunId>,
    /// Such runs, of single agents.
    pub remembered_by: BTreeMap<NodeName, Vec<RunId>>,
    /// What the agent of the head node answers, by the look's verb; anything else fails.
    pub bcm: BTreeMap<&'static str, OpOutput>,
    /// BCM itself, if the fleet has one.
    pub site: Option<Site>,
    /// Agents of head nodes, with their memories.
    pub heads: BTreeMap<NodeName, LedgerId>,
    /// What a backup reads.
    pub files: Files,
    pub objects: Objects,
    /// Services and TLS secrets.
    pub net: Net,
    pub calico: CalicoView,
    // Faults.
    pub offline: BTreeSet<NodeName>,
    /// Failures of the next ops of this verb, each once.
    pub failing: BTreeMap<String, Vec<Failure>>,
    /// The next op of this verb takes effect, but its end is not reported; once each.
    pub unheard: BTreeMap<String, u32>,
    /// The next op of this verb is refused because another op runs; once each.
    pub busy: BTreeMap<String, u32>,
    /// Ops of this verb are accepted and change nothing.
    pub idle: BTreeSet<String>,
    pub api_down: bool,
    /// Number of the next reads at an endpoint that fail.
    pub reads_to_fail: BTreeMap<String, u32>,
    /// Agents of an older podlift, which send secrets in clear text.
    pub in_clear: bool,
    /// Agents that never answer a survey.
    pub silent: BTreeSet<NodeName>,
    /// Surveys in progress, and the most that were in progress at once.
    pub at_once: usize,
    pub most_at_once: usize,
    /// Nodes that another person cordons again right after an uncordon.
    pub foreign: BTreeSet<NodeName>,
    /// Pods that a node's drain evicts.
    pub pods: BTreeMap<NodeName, Vec<String>>,
    /// Drains and cordons that never end: `drain`, `cordon dgx031`.
    pub hanging: BTreeSet<String>,
    /// Pods that prevent a node's drain.
    pub refused_pods: BTreeMap<NodeName, Vec<String>>,
    /// Jobs, and where their pods run.
    pub work: Work,
    /// What the objects of gangs declare.
    pub gangs: Vec<GangView>,
    /// How often nodes and pods were looked at.
    pub looks_at_work: usize,
    /// Looks at nodes and pods fail.
    pub work_unseen: bool,
}

impl Fleet {
    pub fn new() -> std::sync::Arc<Self> {
        Self::with_workers(WORKERS)
    }

    /// Workers are dgx030, dgx031, and so on.
    pub fn with_workers(workers: usize) -> std::sync::Arc<Self> {
        let fleet = Self::default();
        {
            let mut s = fleet.lock();
            for (i, node) in PLANES.iter().enumerate() {
                s.add(node, Some(i));
            }
            for number in FIRST..FIRST + workers {
                s.add(&format!("dgx{number:03}"), None);
            }
            s.leader = 1;
            s.kube_proxy = "v1.31.9".parse().ok();
            let yaml =
                include_str!("../../../tests/fixtures/kubeadm-config/kubeadm-config.empty-endpoints.yaml");
            let map: serde_json::Value = serde_saphyr::from_str(yaml).unwrap();
            s.config = map["data"]["ClusterConfiguration"].as_str().unwrap().into();
        }
        std::sync::Arc::new(fleet)
    }

    pub fn backups(&self) -> std::path::PathBuf {
        self.scratch.path().join("backups")
    }

    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How often a mutation took place.
    pub fn count(&self, verb: &str) -> usize {
        self.lock().effects.iter().filter(|(_, v, _)| v == verb).count()
    }
}

impl State {
    /// Whether the whole machine is away, and not only its agent.
    pub fn is_gone(&self, node: &NodeName) -> bool {
        self.offline.contains(node) && self.views.get(node).is_some_and(|view| !view.ready)
    }

    pub fn add(&mut self, node: &str, plane: Option<usize>) {
        self.facts.insert(name(node), facts(node, plane));
        self.files.add(node, plane.is_some());
        self.objects.add_node(node, plane.is_some());
        let view = NodeView {
            name: name(node),
            ready: true,
            ready_message: String::new(),
            unschedulable: false,
            owner: None,
            kubelet: "v1.31.9".parse().ok(),
            control_plane: plane.is_some(),
            cri_socket: true,
            internal_ip: None,
            runtime: Some("containerd://2.1.4".into()),
            labels: labels(node),
            soft_taint: None,
            taints: vec![],
            controllers: vec![],
            cordoned_by: None,
        };
        self.views.insert(name(node), view);
        self.ledgers.insert(name(node), BTreeMap::new());
    }

    /// The memory of an agent of a node or of a head node.
    pub(super) fn ledger_of(&self, node: &NodeName) -> Option<&LedgerId> {
        self.heads.get(node).or_else(|| Some(&self.facts.get(node)?.ledger))
    }

    /// Makes the agent of `node` lose its memory.
    pub fn lose_memory(&mut self, node: &str) {
        let ledger = match self.heads.get_mut(&name(node)) {
            Some(ledger) => ledger,
            None => &mut self.facts.get_mut(&name(node)).unwrap().ledger,
        };
        *ledger = LedgerId::new(format!("{ledger}-again")).unwrap();
        self.ledgers.get_mut(&name(node)).unwrap().clear();
        self.epochs.remove(&name(node));
    }
}

/// One rack for control plane, and one for workers.
fn labels(node: &str) -> BTreeMap<String, String> {
    let rack = if PLANES.contains(&node) { "r1" } else { "r2" };
    BTreeMap::from([("kubernetes.io/hostname".into(), node.into()), ("rack".into(), rack.into())])
}

pub fn endpoints() -> Vec<String> {
    (11..14).map(|n| format!("https://10.77.0.{n}:2379")).collect()
}

fn facts(node: &str, plane: Option<usize>) -> NodeFacts {
    let version: PackageVersion = "1.31.9-1.1".parse().unwrap();
    let state = PackageState { version: Some(version.clone()), held: true };
    let servers = format!("--etcd-servers={}", endpoints().join(","));
    let manifests = Component::ALL.iter().map(|c| ManifestFacts {
        opaque: None,
        component: *c,
        sha256: Digest::of(format!("{c}")),
        image: format!("registry.k8s.io/{c}:v1.31.9"),
        version: "v1.31.9".parse().ok(),
        flags: FlagSet::parse([servers.as_str()].into_iter().filter(|_| *c == Component::KubeApiserver)),
        unreadable: None,
    });
    NodeFacts {
        step_aside: Some(Default::default()),
        certificate_renewal: true,
        machine: None,
        recipients: vec!["age1qyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqs3290gq".into()],
        node: name(node),
        boot: BootId::new("boot-1").unwrap(),
        ledger: LedgerId::new(format!("ledger-{node}")).unwrap(),
        agent_version: "0.1.0".into(),
        packages: ["kubeadm", "kubelet", "kubectl"].iter().map(|p| (p.to_string(), state.clone())).collect(),
        kubeadm: Some(version.kube),
        kubelet: Some(version.kube),
        kubectl: Some(version.kube),
        apt_minor: Some(version.kube.minor()),
        manifests: if plane.is_some() { manifests.collect() } else { vec![] },
        advertise: plane.map(|i| format!("10.77.0.{}:6443", 11 + i)),
        etcd_endpoints: if plane.is_some() { endpoints() } else { vec![] },
        guard: GuardState::Steady,
        expectations: None,
        heal: None,
        patches: BTreeMap::new(),
        running: vec![],
        free_bytes: 1 << 40,
        clock: None,
    }
}
