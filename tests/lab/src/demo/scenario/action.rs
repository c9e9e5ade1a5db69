//! What can happen to a lab. `coordinator`, `second` (a second coordinator on a copy of the journal) and nodes are processes by name.

use super::bcm::{CmshOrder, SyncEnd};
use super::site::Site;
use crate::world::bcm::Ha;
use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Action {
    /// SIGKILL.
    Kill(String),
    /// SIGTERM, and wait for the end.
    Stop(String),
    Start(String),
    /// Power off and on: the agent comes back with the machine.
    Reboot(String),
    /// Power off for good.
    PowerOff(String),
    /// The agent's memory is gone, as after an image was put back on the disk; the agent starts again.
    ReplaceDisk(String),
    /// A line of a file is changed, by writing another file and renaming it.
    Edit(Edit),
    /// The kubeadm-config of the beginning is restored, under this name as a writer.
    RevertConfig(String),
    /// An API object is changed.
    Patch(Patch),
    Fault(FaultOrder),
    /// A node's package mirror has lost these (`kubeadm=1.32.9-1.1`); `{to}` is the target version. None: it has everything again.
    Mirror {
        node: String,
        lacks: Vec<String>,
    },
    /// Another process takes dpkg's lock.
    TakeLock {
        node: String,
        process: String,
    },
    FreeLock(String),
    /// A training job with one pod on each of these nodes, of which none works without the others.
    Train {
        name: String,
        nodes: Vec<String>,
    },
    /// A process beside Kubernetes has the node's first GPU open (carried agents only).
    HoldGpu {
        node: String,
        pid: u32,
        command: String,
        /// Its path in the control groups.
        cgroup: String,
    },
    /// All such processes of the node have ended.
    ReleaseGpus(String),
    /// No API server is reachable for so many lab minutes.
    ApiAway {
        minutes: u64,
    },
    /// A file of a node is this.
    Write {
        node: String,
        path: String,
        text: String,
    },
    Copy {
        node: String,
        path: String,
        to: String,
    },
    Remove {
        node: String,
        path: String,
    },
    /// A certificate at this path ends so many days from now.
    Certificate {
        node: String,
        path: String,
        name: String,
        days: i64,
    },
    /// An API object as its manifest says, status included.
    Put {
        resource: String,
        object: Value,
    },
    Delete(Named),
    /// A field of an API object goes, by its JSON pointer.
    Unset {
        object: Named,
        field: String,
    },
    /// etcd is restored beside itself, at this client port; its old members run on.
    RestoreEtcd(u16),
    /// The API server of this node is pointed by hand to the etcd that was made last.
    PointEtcd(String),
    /// A tool runs on a node, to its end.
    Run {
        node: String,
        line: String,
    },
    /// An etcd member raises an alarm.
    Alarm {
        node: String,
        alarm: String,
    },
    /// It leads etcd.
    Leader(String),
    /// The etcd member of this node is removed, as `etcdctl member remove` does it.
    RemoveMember(String),
    /// Its kubelet ends and does not come back by itself: the node is not Ready.
    StopKubelet(String),
    StartKubelet(String),
    /// The API server's container runs and does not listen.
    Deaf(String),
    /// Minors that BCM lists, and the version in its metadata.
    Bcm {
        lists: Option<Vec<String>>,
        recorded: Option<String>,
    },
    /// cmsh does something else with commands that have this part.
    Cmsh(CmshOrder),
    /// How requests for these nodes end; `well`: as they should.
    Sync {
        nodes: Vec<String>,
        how: SyncEnd,
    },
    /// What `cmha status` says.
    HeadMode(Ha),
    /// BCM writes the kubeadm-config that it keeps over the cluster's.
    BcmWritesConfig,
    /// No node reaches a registry from now on; false: all do again.
    RegistryAway(bool),
    /// Images of a version (`{to}` is the target) are loaded into the runtimes of these nodes; of all nodes if the list is empty.
    LoadImages {
        version: String,
        #[serde(default)]
        nodes: Vec<String>,
    },
    /// The kubelet's image garbage collection removes what is neither used nor pinned.
    CollectImages(String),
    /// An image is removed by hand, pinned or not; `{to}` is the target version.
    RemoveImage {
        node: String,
        image: String,
    },
    /// The coordinator's user loses a right: a verb, and a resource (`pods/eviction`) or path.
    TakeRight {
        verb: String,
        resource: String,
    },
    /// All rights are granted again, as rbac.yaml does it.
    GrantRights,
    /// No ordered fault is left.
    ClearFaults,
    Package(PackageState),
    /// An API server was asked for an API that will go.
    Asked {
        node: String,
        #[serde(default)]
        group: String,
        version: String,
        resource: String,
        removed: String,
    },
    Machine(MachineState),
    Site(Site),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Named {
    #[serde(default)]
    pub group: String,
    pub resource: String,
    #[serde(default)]
    pub namespace: String,
    pub name: String,
}

/// What dpkg and the mirror know of a package on one node; what is not given stays.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PackageState {
    pub node: String,
    pub name: String,
    pub held: Option<bool>,
    /// Unpacked and not configured.
    pub half: Option<bool>,
    /// Its new version needs this package at least at this version.
    pub needs: Option<(String, String)>,
}

/// What a node is like beside its files; what is not given stays.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct MachineState {
    pub node: String,
    /// Version of containerd.
    pub containerd: Option<String>,
    /// Services and timers that are active.
    #[serde(default)]
    pub active: Vec<String>,
    /// Milliseconds by which its clock is ahead (carried agents only).
    pub clock_ahead: Option<i64>,
    /// GPUs that its device plugin does not offer any more after the next start of the kubelet.
    pub lost_gpus: Option<u64>,
    /// Room on its disk (carried agents only).
    pub free_mib: Option<u64>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Edit {
    pub node: String,
    pub path: String,
    /// Every line that has this …
    pub line: String,
    /// … becomes this.
    pub to: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Patch {
    #[serde(default)]
    pub group: String,
    pub resource: String,
    #[serde(default)]
    pub namespace: String,
    pub name: String,
    /// A merge patch.
    pub merge: Value,
}

/// Calls that end badly: see `crate::world::Fault`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FaultOrder {
    pub node: Option<String>,
    /// A tool, `api`, `kubeadm-phase`, or `container`: a static pod's container by its image, which ends right after its start.
    pub program: String,
    /// Part of its arguments; `{to}` is the target version.
    #[serde(default)]
    pub contains: String,
    #[serde(default = "once")]
    pub times: u32,
    /// Instead of `times`: every call for so many lab seconds.
    pub seconds: Option<u64>,
    #[serde(default)]
    pub how: How,
    /// Exit code, or the status of an API answer.
    #[serde(default)]
    pub code: i32,
    #[serde(default)]
    pub stderr: String,
}

/// How an ordered call ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// Nothing happens, and it fails with the code.
    #[default]
    Fail,
    /// It happens, and fails with the code.
    FailAfter,
    Hang,
    /// Of `api`: the connection ends without an answer.
    Reset,
    /// Of `api`: 429 of priority and fairness, to be repeated in a second.
    Busy,
}

fn once() -> u32 {
    1
}

impl Action {
    /// The nodes that it names, and no others.
    pub fn nodes(&self) -> Vec<&String> {
        match self {
            Action::Kill(n) | Action::Stop(n) | Action::Start(n) => match n.as_str() {
                crate::supervisor::COORDINATOR | crate::supervisor::SECOND => vec![],
                _ => vec![n],
            },
            Action::Reboot(n)
            | Action::PowerOff(n)
            | Action::ReplaceDisk(n)
            | Action::FreeLock(n)
            | Action::ReleaseGpus(n)
            | Action::Leader(n)
            | Action::RemoveMember(n)
            | Action::StopKubelet(n)
            | Action::StartKubelet(n)
            | Action::PointEtcd(n)
            | Action::CollectImages(n)
            | Action::Deaf(n) => vec![n],
            Action::Edit(Edit { node, .. })
            | Action::Mirror { node, .. }
            | Action::TakeLock { node, .. }
            | Action::HoldGpu { node, .. }
            | Action::Write { node, .. }
            | Action::Copy { node, .. }
            | Action::Remove { node, .. }
            | Action::Certificate { node, .. }
            | Action::Alarm { node, .. }
            | Action::Run { node, .. }
            | Action::Asked { node, .. }
            | Action::RemoveImage { node, .. }
            | Action::Package(PackageState { node, .. })
            | Action::Machine(MachineState { node, .. }) => vec![node],
            Action::Patch(p) if p.resource == "nodes" => vec![&p.name],
            Action::Unset { object, .. } if object.resource == "nodes" => vec![&object.name],
            Action::Fault(f) => f.node.iter().collect(),
            Action::LoadImages { nodes, .. } | Action::Train { nodes, .. } | Action::Sync { nodes, .. } => {
                nodes.iter().collect()
            }
            Action::RevertConfig(_)
            | Action::Patch(_)
            | Action::ApiAway { .. }
            | Action::RestoreEtcd(_)
            | Action::Put { .. }
            | Action::Delete(_)
            | Action::Unset { .. }
            | Action::RegistryAway(_)
            | Action::TakeRight { .. }
            | Action::GrantRights
            | Action::ClearFaults
            | Action::Cmsh(_)
            | Action::HeadMode(_)
            | Action::BcmWritesConfig
            | Action::Site(_)
            | Action::Bcm { .. } => vec![],
        }
    }
}
