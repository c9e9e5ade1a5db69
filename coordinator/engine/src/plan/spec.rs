//! Phases, lanes and steps as data. Phases follow each other; the lanes of a phase run `parallel` at a time; the steps of a lane follow
//! each other. A worker that gets its packages from a BCM image has another lane, not another planner.

use podlift_model::op::Package;
use podlift_model::{NodeName, StepId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Phase {
    /// `backup`, `root-cause`, `pre-stage`, `control-plane`, `addons`, `kubelets`, `canary`, `workers`, `after`.
    pub name: String,
    pub title: String,
    pub parallel: u32,
    pub lanes: Vec<Lane>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lane {
    /// None: the cluster as a whole.
    pub node: Option<NodeName>,
    pub steps: Vec<StepSpec>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StepSpec {
    /// Position in the plan, from 1: part of the op ids.
    pub number: u32,
    pub id: StepId,
    pub phase: String,
    pub node: Option<NodeName>,
    #[serde(flatten)]
    pub kind: StepKind,
}

/// One decision with one mutation each; the engine's `steps` folder has a file for each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "step")]
pub enum StepKind {
    EtcdSnapshot,
    ManifestBackup,
    SealBackup,
    RepairConfig,
    /// ConfigMap kubelet-config, where the nodes have settings that it lacks.
    RepairKubelet,
    /// The node's files for `kubeadm --patches`.
    KubeadmPatches,
    AptSource,
    AptUpdate,
    Download {
        packages: Vec<Package>,
    },
    ImagePull,
    EtcdReady,
    GuardArm,
    Packages {
        packages: Vec<Package>,
    },
    FlagDiff,
    KubeadmApply,
    KubeadmNode,
    VerifyApi,
    GuardDisarm,
    Addons,
    Cordon,
    Drain,
    KubeletConfig,
    KubeletRestart,
    NodeReady,
    Uncordon,
    VerifyFleet,
    /// What was recorded before against what is seen now.
    CompareFleet,
}

impl StepKind {
    /// Last part of the step's id.
    pub fn verb(&self) -> String {
        match self {
            StepKind::Packages { packages } => format!("install-{}", names(packages)),
            StepKind::EtcdSnapshot => "etcd-snapshot".into(),
            StepKind::ManifestBackup => "manifest-backup".into(),
            StepKind::SealBackup => "seal-backup".into(),
            StepKind::RepairConfig => "repair-config".into(),
            StepKind::RepairKubelet => "repair-kubelet-config".into(),
            StepKind::KubeadmPatches => "kubeadm-patches".into(),
            StepKind::AptSource => "apt-source".into(),
            StepKind::AptUpdate => "apt-update".into(),
            StepKind::Download { .. } => "download".into(),
            StepKind::ImagePull => "image-pull".into(),
            StepKind::EtcdReady => "etcd-ready".into(),
            StepKind::GuardArm => "guard-arm".into(),
            StepKind::FlagDiff => "flag-diff".into(),
            StepKind::KubeadmApply => "kubeadm-apply".into(),
            StepKind::KubeadmNode => "kubeadm-node".into(),
            StepKind::VerifyApi => "verify-api".into(),
            StepKind::GuardDisarm => "guard-disarm".into(),
            StepKind::Addons => "addons".into(),
            StepKind::Cordon => "cordon".into(),
            StepKind::Drain => "drain".into(),
            StepKind::KubeletConfig => "kubelet-config".into(),
            StepKind::KubeletRestart => "kubelet-restart".into(),
            StepKind::NodeReady => "node-ready".into(),
            StepKind::Uncordon => "uncordon".into(),
            StepKind::VerifyFleet => "verify-fleet".into(),
            StepKind::CompareFleet => "compare".into(),
        }
    }

    /// May this change what the cluster runs? Then the backup must be sealed first (promise 10).
    pub fn needs_backup(&self) -> bool {
        use StepKind as K;
        !matches!(
            self,
            K::EtcdSnapshot
                | K::ManifestBackup
                | K::SealBackup
                | K::VerifyFleet
                | K::CompareFleet
                | K::FlagDiff
                | K::VerifyApi
        )
    }
}

fn names(packages: &[Package]) -> String {
    packages.iter().map(Package::name).collect::<Vec<_>>().join("-")
}
