//! The log of every mutation that matters, counted afterwards by `audit`. Recording is part of the World, never of the product.

use serde::Serialize;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    UnitStarted {
        unit: String,
    },
    AptUpdate {
        private: bool,
    },
    PackageDownload {
        package: String,
        version: String,
    },
    PackageInstall {
        package: String,
        version: String,
    },
    Hold {
        package: String,
    },
    Unhold {
        package: String,
    },
    /// apt-get found dpkg's lock taken, and waits.
    AptWaits {
        holder: String,
    },
    ImagePull {
        image: String,
    },
    ImageRemoved {
        image: String,
    },
    /// A pod could not start, because its sandbox image or an image of its containers is absent and can't be pulled.
    ImageMissing {
        pod: String,
        image: String,
    },
    HealthCheckJob,
    KubeadmApply {
        to: String,
    },
    KubeadmNode {
        to: String,
    },
    KubeadmFailed {
        why: String,
    },
    /// kubeadm saw a changed hash and phase Running: of the pod that it wrote itself, or of one that another writer repaired meanwhile.
    KubeadmWaited {
        component: String,
        own: bool,
    },
    Addon {
        name: String,
        to: String,
    },
    KubeletConfig,
    KubeletRestart {
        version: String,
    },
    KubeletBoot {
        version: String,
    },
    /// kubeadm moved the old manifest away; the new one is not there yet.
    ManifestMovedOut {
        file: String,
    },
    ManifestRename {
        file: String,
    },
    ContainerStart {
        name: String,
    },
    ContainerCrash {
        name: String,
        why: String,
    },
    Cordon {
        by: String,
    },
    Uncordon {
        by: String,
    },
    Eviction {
        pod: String,
    },
    /// A command ran in a container of this pod.
    Exec {
        pod: String,
        command: String,
    },
    ConfigMapWrite {
        name: String,
        by: String,
    },
    EtcdSnapshot {
        path: String,
    },
    EtcdMoveLeader {
        to: String,
    },
    BcmVersion {
        version: String,
    },
    /// BCM's copy of kubeadm-config is the cluster's.
    ConfigLearned,
    ImageCloned {
        from: String,
        image: String,
    },
    /// BCM lists it no longer.
    ImageForgotten {
        image: String,
    },
    ImageLocked {
        image: String,
    },
    ImageUnlocked {
        image: String,
    },
    /// A provisioner, which is the effect's node, got an image.
    ProvisionerUpdated {
        image: String,
    },
    /// The image of a device, which is the effect's node, was set; None: it is its category's.
    ImageAssigned {
        image: Option<String>,
    },
    CategoryImage {
        category: String,
        image: String,
    },
    /// An image was laid over the effect's node; the packages that became others.
    Synced {
        image: String,
        mode: String,
        wrote: Vec<String>,
    },
    PowerCut,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Effect {
    pub seq: u64,
    pub at: jiff::Timestamp,
    pub node: String,
    #[serde(flatten)]
    pub what: What,
    /// The op whose unit did it.
    pub op: Option<String>,
}
