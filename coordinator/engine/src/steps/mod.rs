//! Steps: one decision with one mutation each. `probe` says what to look at, `assess` judges the reply and is the same before and after
//! acting, `act` names the one mutation, `undo` the local and safe way back. To add one: a variant of `StepKind`, a file here, a line below,
//! its place in plan/order.rs.

mod addons;
mod api_server;
mod backup;
mod compare;
#[cfg(test)]
mod compare_tests;
mod cordon;
mod drain;
mod etcd_ready;
mod flag_diff;
mod fleet;
mod guard;
#[cfg(test)]
mod judge_tests;
mod kubeadm;
mod kubelet;
mod packages;
mod patches;
mod prestage;
mod repair_config;
mod repair_kubelet;
#[cfg(test)]
mod seal_tests;
mod types;

pub use types::{Assess, Cx, Evidence, Policy, Step, blocked};

use crate::plan::StepKind;

/// The implementation of a kind.
pub fn step(kind: &StepKind) -> &'static dyn Step {
    match kind {
        StepKind::EtcdSnapshot => &backup::EtcdSnapshot,
        StepKind::ManifestBackup => &backup::ManifestBackup,
        StepKind::SealBackup => &backup::SealBackup,
        StepKind::RepairConfig => &repair_config::RepairConfig,
        StepKind::RepairKubelet => &repair_kubelet::RepairKubelet,
        StepKind::KubeadmPatches => &patches::KubeadmPatches,
        StepKind::AptSource => &prestage::AptSource,
        StepKind::AptUpdate => &prestage::AptUpdate,
        StepKind::Download { .. } => &prestage::Download,
        StepKind::ImagePull => &prestage::ImagePull,
        StepKind::EtcdReady => &etcd_ready::EtcdReady,
        StepKind::GuardArm => &guard::GuardArm,
        StepKind::GuardDisarm => &guard::GuardDisarm,
        StepKind::Packages { .. } => &packages::Packages,
        StepKind::FlagDiff => &flag_diff::FlagDiff,
        StepKind::KubeadmApply => &kubeadm::Apply,
        StepKind::KubeadmNode => &kubeadm::Node,
        StepKind::VerifyApi => &api_server::VerifyApi,
        StepKind::Addons => &addons::Addons,
        StepKind::Cordon => &cordon::Cordon,
        StepKind::Uncordon => &cordon::Uncordon,
        StepKind::Drain => &drain::Drain,
        StepKind::KubeletConfig => &kubelet::KubeletConfig,
        StepKind::KubeletRestart => &kubelet::KubeletRestart,
        StepKind::NodeReady => &kubelet::NodeReady,
        StepKind::VerifyFleet => &fleet::VerifyFleet,
        StepKind::CompareFleet => &compare::CompareFleet,
    }
}
