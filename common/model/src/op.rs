//! The closed vocabulary of host ops: the only changes that a coordinator may request from an agent (`look.rs` has the looks). No op
//! carries a shell text, a path or a URL. Only `KubeadmPatches` carries text to place, and an agent accepts it only if its node's own files
//! already have the same content.

use crate::bcm::BcmOp;
use crate::checkpoint::PodRef;
use crate::digest::Digest;
use crate::ids::{FlagName, NodeName, RunId};
use crate::site_check::CheckName;
use crate::version::{KubeVersion, Minor, PackageVersion};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Package {
    Kubeadm,
    Kubelet,
    Kubectl,
    CriTools,
    KubernetesCni,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct PackagePin {
    pub package: Package,
    pub version: PackageVersion,
}

/// Phases of `kubeadm upgrade apply|node` that podlift runs as separate steps (they exist from kubeadm 1.32).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SkipPhase {
    /// Skipped only if the manifests are already right, which is the state that an interrupted apply leaves.
    ControlPlane,
    Addon,
    KubeletConfig,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Addon {
    Coredns,
    KubeProxy,
}

/// Preflight errors of `kubeadm upgrade apply` that are about addons only (kubeadm 1.32 `phases/upgrade/preflight.go`,
/// `phases/addons/dns`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Preflight {
    CoreDnsMigration,
    CoreDnsUnsupportedPlugins,
}

/// A flag of one component whose loss is accepted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct FlagLoss {
    pub component: Component,
    pub flag: FlagName,
}

/// The three static pods that kubeadm manages on a control-plane node with external etcd.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Component {
    KubeApiserver,
    KubeControllerManager,
    KubeScheduler,
}

/// Files that kubeadm's `--patches` directory may hold here (kubeadm 1.32 `util/patches/patches.go`: `target[suffix][+type].yaml`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum PatchName {
    KubeApiserver,
    KubeControllerManager,
    KubeScheduler,
    Kubelet,
}

/// One file of the patches directory. An agent accepts only content that its node's own files already have: a patch keeps settings and
/// never adds new ones.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct PatchText {
    pub name: PatchName,
    pub text: String,
}

/// A person's decision that an op may run although devices of the node (GPUs, InfiniBand) are in use. It is valid for one node only.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct DeviceOverride {
    /// The node that may be changed. An agent of another node refuses the op.
    pub node: NodeName,
    /// Why, in the person's own words. It is kept in the agent's ledger and in the op's evidence.
    pub reason: String,
}

/// A change of one node.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "op")]
pub enum HostOp {
    /// Changes only the minor in `kubernetes.list`; host, options and other lines stay.
    AptSource {
        minor: Minor,
    },
    AptUpdate,
    PackageDownload {
        packages: Vec<PackagePin>,
    },
    /// Unholds the packages, installs the exact versions, holds them again (also after a failure) and verifies the result.
    PackageInstall {
        packages: Vec<PackagePin>,
        /// First completes an interrupted dpkg run (`dpkg --configure -a`).
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        repair: bool,
        /// `None`: the agent refuses the op with `devices-held` while devices of the node are in use.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        devices: Option<DeviceOverride>,
    },
    /// Pulls the images of the target that the runtime lacks, and pins all that the node needs for it (with the runtime's sandbox image)
    /// against the kubelet's garbage collection.
    ImagePull {
        to: KubeVersion,
    },
    /// Removes the pins that podlift set. Pins of others stay.
    ImageRelease,
    KubeadmApply {
        to: KubeVersion,
        skip: Vec<SkipPhase>,
        /// Preflight errors that an operator has waived (`--ignore-preflight-errors`).
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        ignore: Vec<Preflight>,
        /// Runs the control-plane phase also where the static pods run the target's manifests already. Without it the agent skips the phase
        /// there, because kubeadm waits in vain for a new pod whose manifest the heal puts back.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        whole: bool,
    },
    /// `kubeadm upgrade node`; the target version is the one in kubeadm-config.
    KubeadmNode {
        skip: Vec<SkipPhase>,
        /// As in `KubeadmApply`.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        whole: bool,
    },
    /// `kubeadm upgrade apply phase addon NAME VERSION`.
    KubeadmAddons {
        to: KubeVersion,
        addons: Vec<Addon>,
    },
    /// `kubeadm upgrade node phase kubelet-config`.
    KubeletConfig,
    /// `systemctl daemon-reload` and a restart of the kubelet.
    KubeletRestart {
        /// As in `PackageInstall`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        devices: Option<DeviceOverride>,
    },
    EtcdSnapshot {
        run: RunId,
    },
    /// Moves etcd's leadership to another healthy member if this node's member has it.
    EtcdMoveLeader,
    ManifestBackup {
        run: RunId,
    },
    /// Restores a manifest that this agent itself stored; heal does not change a manifest with the restored hash.
    ManifestRestore {
        component: Component,
        sha256: Digest,
    },
    /// Allows hygiene rules to change manifests until the guard is disarmed or its time has passed.
    GuardArm {
        run: RunId,
        seconds: u32,
        /// Losses that are intended: heal does not put these flags back while the guard is armed, and reports that.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        allow: Vec<FlagLoss>,
    },
    GuardDisarm {
        run: RunId,
    },
    /// Makes the manifest on disk, which must have this hash, the one that heal expects from now on.
    HealAccept {
        component: Component,
        sha256: Digest,
    },
    /// Applies the hygiene rules to this manifest now, although no guard is armed.
    HealApply {
        component: Component,
    },
    /// The whole content of the node's patches directory, which the agent passes to every later `kubeadm upgrade` (`--patches`). An empty
    /// list removes all patches.
    KubeadmPatches {
        files: Vec<PatchText>,
    },
    /// Refuses new connections of other hosts to this node's API server with a TCP reset, so that proxies and clients use the other API
    /// servers while this one restarts. Connections that exist stay. Only on a control-plane node.
    StepAside {
        /// Deadline: the kernel lets connections in again after this time, without podlift's help.
        seconds: u32,
        /// For people who look at the node's rules.
        reason: String,
    },
    /// Lets connections in again: removes the table of `StepAside`.
    StepBack,
    /// Runs the checkpoint hooks of these pods: what each pod's own annotations ask for (`crate::checkpoint`), which the agent reads from
    /// the container runtime. No command comes with the op. A hook that fails does not fail the op; the output has the result of each pod.
    Checkpoint {
        pods: Vec<PodRef>,
        /// Time of the whole op, at most an hour. A hook ends after its own grace, and at the latest with the op.
        seconds: u32,
    },
    /// A change of BCM's state or of a software image. Only the agent of a head node runs it.
    Bcm(BcmOp),
    /// Runs one site check (`crate::site_check`). The name is all that comes with the op: script, interpreter and arguments are those of the
    /// head node's own files. Only the agent of a head node runs it. A check that fails does not fail the op; the output has its exit code.
    SiteCheck {
        name: CheckName,
    },
}

impl HostOp {
    /// Kebab-case verb for people, logs and metrics.
    pub fn verb(&self) -> &'static str {
        match self {
            HostOp::AptSource { .. } => "apt-source",
            HostOp::AptUpdate => "apt-update",
            HostOp::PackageDownload { .. } => "package-download",
            HostOp::PackageInstall { .. } => "package-install",
            HostOp::ImagePull { .. } => "image-pull",
            HostOp::ImageRelease => "image-release",
            HostOp::KubeadmApply { .. } => "kubeadm-apply",
            HostOp::KubeadmNode { .. } => "kubeadm-node",
            HostOp::KubeadmAddons { .. } => "kubeadm-addons",
            HostOp::KubeletConfig => "kubelet-config",
            HostOp::KubeletRestart { .. } => "kubelet-restart",
            HostOp::EtcdSnapshot { .. } => "etcd-snapshot",
            HostOp::EtcdMoveLeader => "etcd-move-leader",
            HostOp::ManifestBackup { .. } => "manifest-backup",
            HostOp::ManifestRestore { .. } => "manifest-restore",
            HostOp::GuardArm { .. } => "guard-arm",
            HostOp::GuardDisarm { .. } => "guard-disarm",
            HostOp::HealAccept { .. } => "heal-accept",
            HostOp::HealApply { .. } => "heal-apply",
            HostOp::KubeadmPatches { .. } => "kubeadm-patches",
            HostOp::StepAside { .. } => "step-aside",
            HostOp::StepBack => "step-back",
            HostOp::Checkpoint { .. } => "checkpoint",
            HostOp::Bcm(op) => op.verb(),
            HostOp::SiteCheck { .. } => "site-check",
        }
    }
}

impl HostOp {
    /// True for ops that only the agent of a head node runs.
    pub fn is_of_head(&self) -> bool {
        matches!(self, HostOp::Bcm(_) | HostOp::SiteCheck { .. })
    }

    /// The override of the op for devices in use. `None` also for ops that ignore devices.
    pub fn devices(&self) -> Option<&DeviceOverride> {
        match self {
            HostOp::PackageInstall { devices, .. } | HostOp::KubeletRestart { devices } => devices.as_ref(),
            _ => None,
        }
    }
}

macro_rules! names {
    ($t:ty { $($variant:ident = $name:literal),* $(,)? }) => {
        impl $t {
            pub const ALL: &'static [$t] = &[$(<$t>::$variant),*];
            pub fn name(&self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }
        }
        impl std::fmt::Display for $t {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }
        impl std::str::FromStr for $t {
            type Err = crate::ids::InvalidId;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($name => Ok(Self::$variant),)*
                    _ => Err(crate::ids::InvalidId { what: stringify!($t), value: text.into(), expected: concat!("one of" $(, " ", $name)*) }),
                }
            }
        }
    };
}
pub(crate) use names;

names!(Package { Kubeadm = "kubeadm", Kubelet = "kubelet", Kubectl = "kubectl", CriTools = "cri-tools", KubernetesCni = "kubernetes-cni" });
names!(SkipPhase { ControlPlane = "control-plane", Addon = "addon", KubeletConfig = "kubelet-config" });
names!(Addon { Coredns = "coredns", KubeProxy = "kube-proxy" });
names!(Preflight { CoreDnsMigration = "CoreDNSMigration", CoreDnsUnsupportedPlugins = "CoreDNSUnsupportedPlugins" });
names!(Component { KubeApiserver = "kube-apiserver", KubeControllerManager = "kube-controller-manager", KubeScheduler = "kube-scheduler" });
names!(PatchName {
    KubeApiserver = "kube-apiserver0+strategic.yaml",
    KubeControllerManager = "kube-controller-manager0+strategic.yaml",
    KubeScheduler = "kube-scheduler0+strategic.yaml",
    Kubelet = "kubeletconfiguration0+merge.yaml",
});

impl Package {
    /// The packages that an upgrade sets to the target's version, and that are held after it.
    pub const UPGRADED: [Self; 3] = [Self::Kubeadm, Self::Kubelet, Self::Kubectl];
}

impl From<Component> for PatchName {
    fn from(component: Component) -> Self {
        match component {
            Component::KubeApiserver => Self::KubeApiserver,
            Component::KubeControllerManager => Self::KubeControllerManager,
            Component::KubeScheduler => Self::KubeScheduler,
        }
    }
}

impl From<PatchName> for String {
    fn from(name: PatchName) -> Self {
        name.name().into()
    }
}

impl TryFrom<String> for PatchName {
    type Error = crate::ids::InvalidId;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl Component {
    /// `kube-apiserver.yaml`.
    pub fn file(&self) -> String {
        format!("{}.yaml", self.name())
    }
}
