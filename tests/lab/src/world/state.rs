//! The state of everything, as plain data. Nothing here waits, reads a clock or touches a disk.

use super::balancers::Balancers;
use super::bcm::{Bcm, Places};
use super::effects::Effect;
use super::etcd::Etcd;
use super::firewall::Firewall;
use super::images::Images;
use super::ingress::Ingress;
use super::store::{Split, Store};
use super::written::Written;
use crate::objects::Objects;
use podlift_agent::host::devices::Holder;
use podlift_model::KubeVersion;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug)]
pub struct State {
    pub nodes: BTreeMap<String, Node>,
    /// The head node and the software images: they have packages and files, and are no nodes of the cluster.
    pub places: Places,
    /// The one that the shape names.
    pub etcd: Etcd,
    /// Others, which an administrator made beside it.
    pub more_etcds: Vec<Etcd>,
    /// Endpoints that no cluster here serves are real ones and answer: so it is for machines.
    pub etcd_elsewhere: bool,
    /// Every text that a manifest ever had.
    pub written: Vec<Written>,
    /// API servers behind one address that served two stores.
    pub splits: Vec<Split>,
    /// Number of `written` when etcd was restored beside itself.
    pub moved_at: Option<usize>,
    pub api: Objects,
    pub bcm: Bcm,
    pub effects: Vec<Effect>,
    /// For names and ids that must differ.
    pub counter: u64,
    /// Which front the proxy tries next.
    pub turn: usize,
    /// Rights that the coordinator's user has lost: verb, and resource or path.
    pub rights_taken: Vec<(String, String)>,
    /// No node reaches a registry.
    pub registry_away: bool,
    /// The network in front of all API servers is down: they run, and none is reachable.
    pub api_away: bool,
    pub balancers: Balancers,
    pub ingress: Ingress,
    /// What each API server was asked for since it started and will not serve for ever.
    pub deprecated: BTreeMap<String, Vec<Deprecated>>,
}

/// A line of `apiserver_requested_deprecated_apis`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deprecated {
    pub group: String,
    pub version: String,
    pub resource: String,
    /// `1.32`.
    pub removed: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Role {
    ControlPlane,
    #[default]
    Worker,
}

#[derive(Debug, Default)]
pub struct Node {
    pub name: String,
    pub role: Role,
    pub ip: String,
    pub boot: String,
    pub machine: String,
    /// Grows with every power cut: a task of an earlier one is dead.
    pub generation: u64,
    pub packages: BTreeMap<String, Package>,
    /// (process, pid) that holds dpkg's lock.
    pub dpkg_lock: Option<(String, u32)>,
    pub kubelet: Kubelet,
    pub containers: Vec<Container>,
    pub units: BTreeMap<String, Unit>,
    pub firewall: Firewall,
    pub images: Images,
    /// Switched off for good.
    pub off: bool,
    /// Extended resource to the amount that does not come back after the next start of the kubelet.
    pub lost_devices: BTreeMap<String, u64>,
    /// Processes beside Kubernetes that have device files open.
    pub holders: Vec<Holder>,
    /// Other services and timers that are active.
    pub services: BTreeSet<String>,
    /// As its containerd says it.
    pub containerd: String,
    /// Milliseconds by which its wall clock is ahead; only where its agent is carried.
    pub clock_ahead: i64,
    /// Package to what it needs at least (name and version), where its mirror says more than the usual.
    pub depends: BTreeMap<String, (String, String)>,
    /// What is left on its disk; only where its agent is carried.
    pub free_bytes: Option<u64>,
    /// What an installation of Kubernetes' packages would do to others, as `apt-get -s` says it: `Remv containerd.io [1.7.27]`.
    pub drags: Vec<String>,
    /// `kubeadm=1.32.9-1.1`: what this node's package mirror does not have.
    pub mirror_lacks: BTreeSet<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    pub version: String,
    pub held: bool,
    /// Unpacked but not configured.
    pub half: bool,
}

#[derive(Debug, Default)]
pub struct Kubelet {
    /// None: the process does not run.
    pub running: Option<KubeVersion>,
    pub restarts: u32,
    pub ready: bool,
    /// The minor whose kubelet made the static pods: another one makes them anew.
    pub pods_of: u16,
    /// Of a machine: its kubelet was there since the power came.
    pub since_boot: bool,
}

#[derive(Debug, Clone)]
pub struct Container {
    pub id: String,
    /// kube-apiserver, …
    pub name: String,
    /// Its pod: the containers of a pod begin and end together. Of a static one without the node's name.
    pub pod: String,
    pub namespace: String,
    pub sandbox: Sandbox,
    /// Pod hash of the manifest it was started from.
    pub hash: String,
    pub image: String,
    pub args: Vec<String>,
    /// Of an API server.
    pub store: Store,
    pub attempt: u32,
    pub created: jiff::Timestamp,
    pub finished: Option<jiff::Timestamp>,
    pub exit: Option<i32>,
    /// It answers on its port.
    pub listening: bool,
    /// Since when; None: for longer than any start takes.
    pub opened: Option<jiff::Timestamp>,
    pub log: Vec<String>,
}

/// What the containers of one pod live in; restarts of a container keep it, another manifest makes another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sandbox {
    pub id: String,
    pub created: jiff::Timestamp,
    /// Its file, as the kubelet names its source; empty: the pod is of no file.
    pub file: String,
}

impl Container {
    /// The name of its pod, as the API has it.
    pub fn pod_name(&self, node: &str) -> String {
        match self.sandbox.file.is_empty() {
            true => self.pod.clone(),
            false => format!("{}-{node}", self.pod),
        }
    }

    pub fn running(&self) -> bool {
        self.finished.is_none()
    }
}

#[derive(Debug, Clone)]
pub struct Unit {
    pub argv: Vec<String>,
    pub active: bool,
    /// success, exit-code, timeout, …
    pub result: String,
    pub status: i32,
    pub started: jiff::Timestamp,
    pub task: u64,
}

impl State {
    pub fn serial(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    /// A node, the head or an image (by its path).
    pub fn place(&self, name: &str) -> Option<&Node> {
        self.nodes.get(name).or_else(|| self.places.get(name))
    }

    /// The same. Panics for a name that the shape lacks: a mistake of the lab itself.
    pub fn node(&self, name: &str) -> &Node {
        self.place(name).unwrap_or_else(|| panic!("the lab has no node {name:?}"))
    }

    pub fn node_mut(&mut self, name: &str) -> &mut Node {
        let node = self.nodes.get_mut(name).or_else(|| self.places.get_mut(name));
        node.unwrap_or_else(|| panic!("the lab has no node {name:?}"))
    }

    pub fn node_at(&self, ip: &str) -> Option<&Node> {
        self.nodes.values().find(|n| n.ip == ip)
    }

    /// Control-plane nodes whose API server answers, in order of name.
    pub fn fronts(&self) -> Vec<String> {
        match self.api_away {
            true => vec![],
            false => self.nodes.values().filter(|n| self.serves(n)).map(|n| n.name.clone()).collect(),
        }
    }

    pub fn front_up(&self, node: &str) -> bool {
        !self.api_away && self.nodes.get(node).is_some_and(|n| self.serves(n))
    }

    fn serves(&self, node: &Node) -> bool {
        let mut servers =
            node.containers.iter().filter(|c| c.name == "kube-apiserver" && c.listening && c.running());
        servers.any(|c| self.store_answers(&node.name, &c.store))
    }
}

impl Kubelet {
    /// It starts at this version, and makes static pods as its minor does.
    pub fn runs(&mut self, version: Option<KubeVersion>) {
        self.running = version;
        self.pods_of = version.map_or(self.pods_of, |v| v.minor);
    }
}

impl Node {
    pub fn package_version(&self, package: &str) -> Option<KubeVersion> {
        let version = &self.packages.get(package)?.version;
        version.split('-').next()?.parse().ok()
    }

    /// The newest container of a static pod.
    pub fn container(&self, name: &str) -> Option<&Container> {
        self.containers.iter().rev().find(|c| c.name == name)
    }

    pub fn is_control_plane(&self) -> bool {
        self.role == Role::ControlPlane
    }
}
