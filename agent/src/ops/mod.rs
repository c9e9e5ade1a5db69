//! The ops that a coordinator may run on this node, one per file. `observe` only reads; `apply` makes the effect or names the unit that
//! makes it; `conclude` judges how that unit ended; `settle` leaves the node as podlift keeps it, however the op ended.
//!
//! Ops whose repetition is harmless, and which may therefore be run again under the same op id when a crash hid how they ended
//! (`repeatable`): apt-source, apt-update, package-download, image-pull, image-release, etcd-snapshot (the file appears by one rename), etcd-move-leader,
//! manifest-backup (write-once), manifest-restore (compare-and-swap), guard-arm, guard-disarm, heal-accept (names a hash), heal-apply (each
//! repair has an intent of its own), kubeadm-patches (the whole directory), step-aside (the same table with a new deadline), step-back,
//! checkpoint (each hook's end is recorded; `crate::checkpoint` says why one with an unknown end runs again). Of these, one that is a unit
//! is run again only while its unit never started; after a restart of the machine it is Indeterminate like all others.
//!
//! Of a head node: site-check may be repeated, because it ends what an earlier attempt has left running. Of those in `bcm/` all may be repeated, because each looks first and gives the same state. Those with a unit (image-clone,
//! image-remove, image-source, image-packages, provisioners, sync-dry-run, sync, learn-config) are Indeterminate after a restart of the
//! machine; the next attempt mends what the first has left (a half copy, a missing hold). image-lock, image-unlock, assign, category-image
//! and cluster-version are one short commit, which is looked at in a new process.

mod apt_source;
mod apt_update;
mod bcm;
mod checkpoint;
pub(crate) mod etcd_access;
mod etcd_move_leader;
pub(crate) mod etcd_snapshot;
mod guard_arm;
mod guard_disarm;
mod heal_accept;
mod heal_apply;
mod image_pull;
mod image_release;
mod kubeadm_addons;
mod kubeadm_apply;
mod kubeadm_node;
pub(crate) mod kubeadm_patches;
mod kubelet_config;
mod kubelet_restart;
mod manifest_backup;
mod manifest_restore;
mod old_backups;
mod package_download;
mod package_install;
mod served;
pub(crate) mod shared;
mod site_check;
mod step_aside;
mod step_back;

use crate::ledger::Accepted;
use crate::node::Node;
use crate::units::{Exit, UnitSpec};
use async_trait::async_trait;
use podlift_model::op::SkipPhase;
use podlift_model::{Failure, HostOp, OpId, OpOutput};
use podlift_tools::bcm::Cmdaemon;
use std::time::Duration;

/// The context of an op.
pub(crate) struct Cx<'a> {
    pub node: &'a Node,
    pub op_id: &'a OpId,
    pub accepted: &'a Accepted,
}

impl Cx<'_> {
    /// The way to CMDaemon, on a head node.
    pub fn cmdaemon(&self) -> Cmdaemon {
        self.node.config.bcm.cmdaemon()
    }

    /// Everything that the op's unit printed.
    pub fn log(&self) -> String {
        self.node.units.log(self.op_id)
    }

    /// Time since the op was accepted: on the boot clock, or on the wall clock if the machine restarted meanwhile.
    pub fn took(&self) -> Duration {
        let (clock, accepted) = (&self.node.host.clock, self.accepted);
        match accepted.boot == self.node.boot {
            true => clock.since_boot().saturating_sub(accepted.since_boot),
            false => clock.now().duration_since(accepted.at).try_into().unwrap_or_default(),
        }
    }
}

/// The effect was made, or this unit makes it.
pub(crate) enum Applied {
    Done(OpOutput),
    Unit(UnitSpec),
}

#[async_trait]
pub(crate) trait Op: Send + Sync {
    /// Whether a repetition is harmless if it is unknown whether the op ran.
    fn repeatable(&self) -> bool {
        false
    }

    /// Whether a unit makes the effect.
    fn is_unit(&self) -> bool {
        false
    }

    /// Lock files that other programs must release before the op's unit starts.
    fn locks(&self) -> &'static [&'static str] {
        &[]
    }

    /// The output if the op's effect already exists, else `None`. Only reads.
    async fn observe(&self, cx: &Cx<'_>) -> Result<Option<OpOutput>, Failure>;

    async fn apply(&self, cx: &Cx<'_>) -> Result<Applied, Failure>;

    /// Judges how the unit ended.
    async fn conclude(&self, cx: &Cx<'_>, exit: &Exit) -> Result<OpOutput, Failure> {
        let _ = cx;
        if exit.success() {
            Ok(OpOutput::Changed(exit.describe()))
        } else {
            Err(Failure::operator("unit-failed", exit.describe()))
        }
    }

    /// Runs after success, failure, or an unknown end.
    async fn settle(&self, cx: &Cx<'_>) -> Result<(), Failure> {
        let _ = cx;
        Ok(())
    }
}

/// Removes files of earlier runs that this node no longer needs.
pub(crate) fn prune(files: &dyn podlift_host::Files) -> Result<(), Failure> {
    old_backups::prune(files, None)
}

/// The implementation of an op.
pub(crate) fn implementation(op: &HostOp) -> Box<dyn Op> {
    match op.clone() {
        HostOp::AptSource { minor } => Box::new(apt_source::AptSource { minor }),
        HostOp::AptUpdate => Box::new(apt_update::AptUpdate),
        HostOp::PackageDownload { packages } => Box::new(package_download::PackageDownload { packages }),
        HostOp::PackageInstall { packages, repair, .. } => {
            Box::new(package_install::PackageInstall { packages, repair })
        }
        HostOp::ImagePull { to } => Box::new(image_pull::ImagePull { to }),
        HostOp::ImageRelease => Box::new(image_release::ImageRelease),
        HostOp::KubeadmApply { to, skip, ignore, whole } => {
            Box::new(kubeadm_apply::KubeadmApply { to, skip, ignore, whole })
        }
        HostOp::KubeadmNode { skip, whole } => Box::new(kubeadm_node::KubeadmNode { skip, whole }),
        HostOp::KubeadmAddons { to, addons } => Box::new(kubeadm_addons::KubeadmAddons { to, addons }),
        HostOp::KubeletConfig => Box::new(kubelet_config::KubeletConfig),
        HostOp::KubeletRestart { .. } => Box::new(kubelet_restart::KubeletRestart),
        HostOp::EtcdSnapshot { run } => Box::new(etcd_snapshot::EtcdSnapshot { run }),
        HostOp::EtcdMoveLeader => Box::new(etcd_move_leader::EtcdMoveLeader),
        HostOp::ManifestBackup { run } => Box::new(manifest_backup::ManifestBackup { run }),
        HostOp::ManifestRestore { component, sha256 } => {
            Box::new(manifest_restore::ManifestRestore { component, sha256 })
        }
        HostOp::GuardArm { run, seconds, allow } => Box::new(guard_arm::GuardArm { run, seconds, allow }),
        HostOp::GuardDisarm { run } => Box::new(guard_disarm::GuardDisarm { run }),
        HostOp::HealAccept { component, sha256 } => Box::new(heal_accept::HealAccept { component, sha256 }),
        HostOp::HealApply { component } => Box::new(heal_apply::HealApply { component }),
        HostOp::KubeadmPatches { files } => Box::new(kubeadm_patches::KubeadmPatches { files }),
        HostOp::StepAside { seconds, reason } => Box::new(step_aside::StepAside { seconds, reason }),
        HostOp::StepBack => Box::new(step_back::StepBack),
        HostOp::Checkpoint { pods, seconds } => Box::new(checkpoint::Checkpoint { pods, seconds }),
        HostOp::Bcm(op) => bcm::implementation(op),
        HostOp::SiteCheck { name } => Box::new(site_check::SiteCheck { name }),
    }
}

/// What the op changes, if that is not all of a node. Two ops of one subject never run beside each other.
pub(crate) fn subject(op: &HostOp) -> Option<String> {
    match op {
        HostOp::Bcm(op) => Some(bcm::subject(op)),
        HostOp::SiteCheck { name } => Some(format!("site check {name}")),
        _ => None,
    }
}

/// Whether this machine may run the op now: of two head nodes only the active one changes BCM's state. Site checks change nothing of it.
pub(crate) async fn may_act(cx: &Cx<'_>) -> Result<(), Failure> {
    match &cx.accepted.op {
        HostOp::Bcm(_) => podlift_tools::bcm::cmha::acts(&cx.node.host).await,
        _ => Ok(()),
    }
}

pub(crate) use bcm::{is_half as is_half_image, is_own as is_own_image};

/// A failure of an op in words that name the op: an answer of BCM's tools that is not known is described by itself.
pub(crate) fn in_words(cx: &Cx<'_>, failure: Failure) -> Failure {
    if !cx.accepted.op.is_of_head() || failure.code != podlift_model::codes::BCM_ANSWER {
        return failure;
    }
    let message = format!(
        "{} can't go on: a tool of BCM gave an answer that podlift does not know: {}; run it on {}, mend what it names, then podlift retry",
        cx.accepted.op.verb(),
        failure.message,
        cx.node.config.node
    );
    Failure { message, ..failure }
}

/// Whether the op may move manifests while it runs. The heal then attributes a missing manifest to kubeadm.
pub(crate) fn moves_manifests(op: &HostOp) -> bool {
    match op {
        HostOp::KubeadmApply { skip, .. } | HostOp::KubeadmNode { skip, .. } => {
            !skip.contains(&SkipPhase::ControlPlane)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
