//! Steps: each is one decision with at most one change. One file has all of a step: its name and parameters, what it touches, how it is
//! undone, which line of the sign-off it fills, and how it probes, judges and acts. `assess` is the same before and after acting. To add a
//! step, add a file here, its line below, and its place in a goal's order.

mod addons;
#[cfg(test)]
mod again_tests;
mod approved;
mod apt_source;
mod apt_update;
#[cfg(test)]
mod aside_tests;
mod assign_image;
mod bcm_version;
mod calico_stable;
mod category_image;
mod checkpoint;
mod compare_fleet;
#[cfg(test)]
mod compare_tests;
mod cordon;
mod cordon_taken;
mod cx;
mod devices_back;
mod download;
mod drain;
mod empty;
mod etcd_ready;
mod etcd_snapshot;
mod flag_diff;
mod guard_arm;
mod guard_disarm;
mod head;
mod image_clone;
mod image_lock;
mod image_packages;
mod image_provisioners;
mod image_pull;
mod image_release;
mod image_source;
#[cfg(test)]
mod image_tests;
mod image_unlock;
#[cfg(test)]
mod judge_tests;
mod kubeadm_apply;
mod kubeadm_node;
mod kubeadm_patches;
mod kubelet_config;
mod kubelet_restart;
mod learn_config;
mod manifest_backup;
mod manifests;
#[cfg(test)]
mod mend_tests;
#[cfg(test)]
mod metadata_tests;
mod node_reachable;
mod node_ready;
mod object_verb;
#[cfg(test)]
#[allow(clippy::disallowed_methods)] // a test reads and writes the documentation
mod order_tests;
mod packages;
pub mod paths;
mod pins;
mod remove_operator;
mod repair_config;
mod repair_kubelet;
mod reply;
mod restart_rollout;
mod restore_secret;
mod restore_service;
mod rollout;
mod seal_backup;
#[cfg(test)]
mod seal_tests;
mod skew;
mod soak;
mod soft_taint;
mod soft_untaint;
mod soften;
mod step;
mod step_aside;
mod step_back;
mod stores;
mod sync_dry_run;
mod sync_node;
mod uncordon;
mod validate;
mod verify_api;
mod verify_fleet;
mod verify_node;
mod warn;
pub mod whole;

pub use cx::Cx;
pub use reply::blocked;
pub use step::{Assess, Policy, Step, Touches};

use crate::program::Shared;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The closed list of steps, made from their files.
macro_rules! kinds {
    ($($module:ident::$kind:ident),* $(,)?) => {
        $(pub use $module::$kind;)*

        /// A step with its parameters.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "kebab-case", tag = "step")]
        pub enum StepKind {
            $($kind($kind)),*
        }

        impl StepKind {
            /// The behaviour and properties of the step.
            pub fn step(&self) -> &dyn Step {
                match self {
                    $(Self::$kind(step) => step),*
                }
            }

            /// Fills parameters that the document omits with the goal's values.
            pub(crate) fn complete(&mut self, shared: &Shared) {
                match self {
                    $(Self::$kind(step) => step.complete(shared)),*
                }
            }

            /// One sample of each step.
            pub fn samples() -> Vec<Self> {
                vec![$(Self::$kind($kind::sample())),*]
            }
        }

        $(impl From<$kind> for StepKind {
            fn from(step: $kind) -> Self {
                Self::$kind(step)
            }
        })*
    };
}

kinds! {
    etcd_snapshot::EtcdSnapshot,
    manifest_backup::ManifestBackup,
    seal_backup::SealBackup,
    repair_config::RepairConfig,
    repair_kubelet::RepairKubelet,
    kubeadm_patches::KubeadmPatches,
    apt_source::AptSource,
    apt_update::AptUpdate,
    download::Download,
    image_pull::ImagePull,
    etcd_ready::EtcdReady,
    guard_arm::GuardArm,
    packages::Packages,
    flag_diff::FlagDiff,
    kubeadm_apply::KubeadmApply,
    kubeadm_node::KubeadmNode,
    verify_api::VerifyApi,
    guard_disarm::GuardDisarm,
    addons::Addons,
    cordon::Cordon,
    checkpoint::Checkpoint,
    drain::Drain,
    kubelet_config::KubeletConfig,
    kubelet_restart::KubeletRestart,
    node_ready::NodeReady,
    uncordon::Uncordon,
    verify_fleet::VerifyFleet,
    compare_fleet::CompareFleet,
    image_release::ImageRelease,
    node_reachable::NodeReachable,
    devices_back::DevicesBack,
    soak::Soak,
    soft_taint::SoftTaint,
    soft_untaint::SoftUntaint,
    step_aside::StepAside,
    step_back::StepBack,
    verify_node::VerifyNode,
    image_clone::ImageClone,
    image_lock::ImageLock,
    image_source::ImageSource,
    image_packages::ImagePackages,
    image_provisioners::ImageProvisioners,
    image_unlock::ImageUnlock,
    assign_image::AssignImage,
    sync_dry_run::SyncDryRun,
    sync_node::SyncNode,
    category_image::CategoryImage,
    bcm_version::BcmVersion,
    learn_config::LearnConfig,
    warn::Warn,
    restore_service::RestoreService,
    restore_secret::RestoreSecret,
    restart_rollout::RestartRollout,
    remove_operator::RemoveOperator,
    calico_stable::CalicoStable,
    validate::Validate,
}
