//! What a World is made of: nodes, versions, and the faults that are there from the beginning. Data only.

use podlift_model::KubeVersion;
use std::time::Duration;

#[derive(Debug, Clone)]
pub struct Shape {
    pub control_planes: Vec<String>,
    pub workers: Vec<String>,
    /// So many of them are processes of their own, where a lab has processes.
    pub own_workers: usize,
    pub from: KubeVersion,
    pub cluster: String,
    /// First three octets of every address.
    pub network: String,
    /// Where kubeadm, kubelets and the coordinator reach the API servers.
    pub proxy: String,
    /// Real seconds are lab seconds divided by this.
    pub factor: u32,
    /// `etcd.external.endpoints: []` in kubeadm-config, while the live manifests have all three.
    pub empty_endpoints: bool,
    /// Gates in the live manifests and in kubeadm-config (`apiServer.extraArgs`).
    pub api_gates: Vec<String>,
    /// Nodes that are cordoned from the beginning.
    pub cordoned: Vec<String>,
    /// Pods of the `inference` workload, and how many of them its budget wants.
    pub inference: (u32, u32),
    /// The packages that are held from the start.
    pub held: bool,
    /// Ubuntu's needrestart restarts services whose binary was replaced, unless it is suspended.
    pub needrestart: bool,
    /// The kubelet package brings another /etc/default/kubelet and the node's own was edited.
    pub conffile_changed: bool,
    /// The same on these nodes only.
    pub conffile_on: Vec<String>,
    /// Kubelets have settings that their ConfigMap lacks: one that all have, and one of the first worker alone.
    pub kubelet_settings: bool,
    /// Newest patch that each repository minor of Kubernetes 1 offers.
    pub newest: Vec<(u16, u16)>,
    /// How long etcd, API server and kubelet take.
    pub timing: Timing,
    /// Nodes are machines with a real init, package manager and etcd: the World keeps to what kubeadm and the kubelet own.
    pub machines: bool,
    /// The network is Calico with its operator; not where `runbook` is.
    pub calico: bool,
    /// Calico is BCM's own, and there are MetalLB, an ingress controller, Run:ai and a storage class, as in the runbook's cluster.
    pub runbook: bool,
    /// All nodes were made from one image with a machine id in it.
    pub image_machine: bool,
    /// Control-plane nodes have nft.
    pub nftables: bool,
    /// BCM lists the nodes and gives them their disks from software images.
    pub images: bool,
    /// The head's agent uses CMDaemon's JSON API, too.
    pub bcm_api: bool,
    /// Bearer token of the coordinator's own identity.
    pub token: String,
}

/// Durations of the real thing, measured on the recorded cluster.
#[derive(Debug, Clone)]
pub struct Timing {
    /// From the stop signal to the end of a static pod's container.
    pub stop: Duration,
    /// From there to the start of the new one (the pod worker looks again every 10 s or so).
    pub start: Duration,
    /// What another change before that start costs on top.
    pub superseded: Duration,
    /// From an API server's start to its ready.
    pub api_boot: Duration,
    /// How long an API server's port is open before its authorizer has read its roles.
    pub cold: Duration,
    /// From a container's start to the phase that the API shows.
    pub report: Duration,
    /// The same for one that ended at once.
    pub report_crash: Duration,
    /// Between two looks of a kubelet at its whole manifest directory.
    pub relist: Duration,
    /// From a power cut to a running kubelet.
    pub boot: Duration,
    /// From the begin of an imageupdate to its end; a dry run takes a quarter of it.
    pub sync: Duration,
    /// CMDaemon makes one ramdisk of an image.
    pub ramdisk: Duration,
    /// A clone of an image.
    pub clone: Duration,
    /// A provisioner gets its images.
    pub provisioner: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        let s = Duration::from_millis;
        Self {
            stop: s(900),
            start: s(9_500),
            superseded: s(21_000),
            api_boot: s(9_500),
            cold: s(1_000),
            report: s(1_500),
            report_crash: s(28_000),
            relist: s(20_000),
            boot: s(45_000),
            sync: s(60_000),
            ramdisk: s(120_000),
            clone: s(90_000),
            provisioner: s(40_000),
        }
    }
}

impl Default for Shape {
    /// The cluster of the runbook, before its bad night.
    fn default() -> Self {
        let names = |list: &[&str]| list.iter().map(ToString::to_string).collect();
        Self {
            control_planes: names(&["runai-01", "runai-02", "runai-03"]),
            workers: names(&["dgx030", "dgx031", "dgx032", "dgx033"]),
            own_workers: usize::MAX,
            from: KubeVersion::new(1, 31, 9),
            cluster: "runaicluster".into(),
            network: "10.77.0".into(),
            proxy: "10.77.0.1:10443".into(),
            factor: 1,
            empty_endpoints: true,
            api_gates: vec!["MaxUnavailableStatefulSet=true".into()],
            cordoned: vec![],
            inference: (4, 2),
            held: true,
            needrestart: true,
            conffile_changed: false,
            conffile_on: vec![],
            kubelet_settings: false,
            newest: vec![(30, 14), (31, 14), (32, 13), (33, 5)],
            timing: Timing::default(),
            machines: false,
            calico: true,
            runbook: false,
            image_machine: false,
            nftables: true,
            images: false,
            bcm_api: false,
            token: "lab-coordinator".into(),
        }
    }
}

impl Shape {
    /// Control-plane nodes at .11 and up, workers at .31 and up.
    pub fn address(&self, node: &str) -> String {
        let at = |list: &[String], base: usize| list.iter().position(|n| n == node).map(|i| base + i);
        let host = at(&self.control_planes, 11).or_else(|| at(&self.workers, 31)).unwrap_or(250);
        match (host, self.network.rsplit_once('.')) {
            // The next networks begin at .1 each.
            (251.., Some((base, third))) => {
                let (net, last) = ((host - 251) / 250 + 1, (host - 251) % 250 + 1);
                format!("{base}.{}.{last}", third.parse::<usize>().unwrap_or(0) + net)
            }
            _ => format!("{}.{host}", self.network),
        }
    }

    /// Of the ingress, beside all nodes.
    pub fn ingress_address(&self) -> String {
        format!("{}.250", self.network)
    }

    /// As `/etc/machine-id` has it.
    pub fn machine_id(&self, node: &str) -> String {
        let of = if self.image_machine { "image" } else { node };
        podlift_model::Digest::of(of).as_str()[..32].into()
    }

    pub fn nodes(&self) -> impl Iterator<Item = &String> {
        self.control_planes.iter().chain(&self.workers)
    }

    /// Nodes whose agent is a process of its own. The others are carried: many real sessions in one process.
    pub fn own_processes(&self) -> impl Iterator<Item = &String> {
        self.control_planes.iter().chain(&self.workers[..self.workers.len().min(self.own_workers)])
    }

    pub fn carried(&self) -> &[String] {
        &self.workers[self.workers.len().min(self.own_workers)..]
    }

    pub fn etcd_endpoints(&self) -> Vec<String> {
        self.control_planes.iter().map(|n| format!("https://{}:2379", self.address(n))).collect()
    }
}
