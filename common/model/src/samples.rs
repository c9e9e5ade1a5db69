//! One sample of each op and look, for test suites that run or send all of them.

use crate::bcm::{BcmOp, ImageName};
use crate::checkpoint::PodRef;
use crate::deletion::{DeletedKind, DeletedObject};
use crate::op::{
    Addon, Component, DeviceOverride, FlagLoss, HostOp, Package, PackagePin, PatchName, PatchText, Preflight,
    SkipPhase,
};
use crate::{
    CheckName, Digest, FlagName, KubeVersion, Look, Namespace, NodeName, ObjectName, PackageVersion, RunId,
};

const TO: KubeVersion = KubeVersion::new(1, 32, 9);

// Valid tokens by the rules of the id types.
fn run() -> RunId {
    RunId::new("r1").unwrap_or_else(|e| unreachable!("{e}"))
}

fn pins(packages: &[Package]) -> Vec<PackagePin> {
    let version = PackageVersion { kube: TO, revision: "1.1".into() };
    packages.iter().map(|p| PackagePin { package: *p, version: version.clone() }).collect()
}

fn overriding() -> Option<DeviceOverride> {
    let node = NodeName::new("dgx030").unwrap_or_else(|e| unreachable!("{e}"));
    Some(DeviceOverride { node, reason: "the Slurm job may be lost".into() })
}

fn pod() -> PodRef {
    let pod = || {
        Some(PodRef {
            namespace: "ml".parse().ok()?,
            name: "train-0".parse().ok()?,
            uid: "2e3c1f0a-8d43-4b0e-9a55-0c6f5b1d7e21".parse().ok()?,
        })
    };
    pod().unwrap_or_else(|| unreachable!("all three are valid"))
}

fn deleted() -> DeletedObject {
    let namespace = Namespace::new("ingress-nginx").unwrap_or_else(|e| unreachable!("{e}"));
    let name = ObjectName::new("ingress-nginx-controller").unwrap_or_else(|e| unreachable!("{e}"));
    DeletedObject { kind: DeletedKind::Services, namespace, name }
}

fn site_check() -> HostOp {
    let name = CheckName::new("healthcheck_storage.py").unwrap_or_else(|e| unreachable!("{e}"));
    HostOp::SiteCheck { name }
}

impl HostOp {
    /// One of each op, with every field filled.
    pub fn samples() -> Vec<Self> {
        std::iter::successors(Some(HostOp::AptUpdate), HostOp::after).collect()
    }

    /// The sample after this one. A new op has to be added here, after another.
    fn after(&self) -> Option<Self> {
        let component = Component::KubeScheduler;
        Some(match self {
            HostOp::AptUpdate => HostOp::AptSource { minor: TO.minor() },
            HostOp::AptSource { .. } => HostOp::PackageDownload { packages: pins(Package::ALL) },
            HostOp::PackageDownload { .. } => HostOp::PackageInstall {
                packages: pins(&[Package::Kubeadm]),
                repair: true,
                devices: overriding(),
            },
            HostOp::PackageInstall { .. } => HostOp::ImagePull { to: TO },
            HostOp::ImagePull { .. } => HostOp::ImageRelease,
            HostOp::ImageRelease => HostOp::KubeadmApply {
                to: TO,
                skip: SkipPhase::ALL.to_vec(),
                ignore: Preflight::ALL.to_vec(),
                whole: true,
            },
            HostOp::KubeadmApply { .. } => HostOp::KubeadmNode { skip: SkipPhase::ALL.to_vec(), whole: true },
            HostOp::KubeadmNode { .. } => HostOp::KubeadmAddons { to: TO, addons: Addon::ALL.to_vec() },
            HostOp::KubeadmAddons { .. } => HostOp::KubeletConfig,
            HostOp::KubeletConfig => HostOp::KubeletRestart { devices: overriding() },
            HostOp::KubeletRestart { .. } => HostOp::EtcdSnapshot { run: run() },
            HostOp::EtcdSnapshot { .. } => HostOp::EtcdMoveLeader,
            HostOp::EtcdMoveLeader => HostOp::ManifestBackup { run: run() },
            HostOp::ManifestBackup { .. } => HostOp::ManifestRestore { component, sha256: Digest::of("x") },
            HostOp::ManifestRestore { .. } => {
                let flag = FlagName::new("profiling").unwrap_or_else(|e| unreachable!("{e}"));
                HostOp::GuardArm { run: run(), seconds: 9, allow: vec![FlagLoss { component, flag }] }
            }
            HostOp::GuardArm { .. } => HostOp::GuardDisarm { run: run() },
            HostOp::GuardDisarm { .. } => HostOp::HealAccept { component, sha256: Digest::of("a") },
            HostOp::HealAccept { .. } => HostOp::HealApply { component },
            HostOp::HealApply { .. } => HostOp::KubeadmPatches {
                files: vec![PatchText { name: PatchName::Kubelet, text: "maxPods: 200\n".into() }],
            },
            HostOp::KubeadmPatches { .. } => {
                HostOp::StepAside { seconds: 9, reason: "upgrade r1 restarts the API server".into() }
            }
            HostOp::StepAside { .. } => HostOp::StepBack,
            HostOp::StepBack => HostOp::Checkpoint { pods: vec![pod()], seconds: 600 },
            HostOp::Checkpoint { .. } => HostOp::Bcm(BcmOp::samples().into_iter().next()?),
            HostOp::Bcm(op) => op.after().map_or_else(site_check, HostOp::Bcm),
            HostOp::SiteCheck { .. } => return None,
        })
    }
}

impl Look {
    /// One of each look, with every field filled.
    pub fn samples() -> Vec<Self> {
        std::iter::successors(Some(Look::Facts), Look::after).collect()
    }

    fn after(&self) -> Option<Self> {
        Some(match self {
            Look::Facts => Look::Packages { to: TO },
            Look::Packages { .. } => Look::KubeadmDiff { to: TO },
            Look::KubeadmDiff { .. } => Look::EtcdHealth,
            Look::EtcdHealth => Look::ApiServer,
            Look::ApiServer => Look::Components,
            Look::Components => Look::Images { to: TO },
            Look::Images { .. } => Look::Devices,
            Look::Devices => Look::Manifests,
            Look::Manifests => Look::Backup { run: run() },
            Look::Backup { .. } => Look::Survey { to: TO },
            Look::Survey { .. } => Look::BackupFiles,
            Look::BackupFiles => Look::BackupPart {
                path: "/etc/kubernetes/admin.conf".into(),
                offset: 7,
                recipients: vec!["age1x".into()],
            },
            Look::BackupPart { .. } => Look::BcmVersions,
            Look::BcmVersions => Look::BcmClusterVersion,
            Look::BcmClusterVersion => Look::BcmApplications,
            Look::BcmApplications => Look::BcmHead,
            Look::BcmHead => Look::BcmClusters,
            Look::BcmClusters => Look::BcmNodes,
            Look::BcmNodes => Look::BcmImages,
            Look::BcmImages => Look::BcmImage { image: ImageName::new("dgx-image").ok()? },
            Look::BcmImage { .. } => Look::BcmExcludes { node: NodeName::new("dgx030").ok()? },
            Look::BcmExcludes { .. } => Look::BcmProvisioning,
            Look::BcmProvisioning => Look::BcmSync { node: NodeName::new("dgx030").ok()? },
            Look::BcmSync { .. } => Look::SiteChecks,
            Look::SiteChecks => Look::Proxy,
            Look::Proxy => Look::Certificates,
            Look::Certificates => Look::Deletion { object: deleted() },
            Look::Deletion { .. } => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use std::collections::BTreeSet;

    /// Tags of all variants, from the type's own schema.
    fn variants(schema: &Value, tag: &str) -> BTreeSet<String> {
        let all = schema["oneOf"].as_array().unwrap();
        all.iter().map(|v| v["properties"][tag]["const"].as_str().unwrap().to_string()).collect()
    }

    fn tags<T: serde::Serialize>(samples: &[T], tag: &str) -> BTreeSet<String> {
        let text = |s: &T| serde_json::to_value(s).unwrap()[tag].as_str().unwrap().to_string();
        samples.iter().map(text).collect()
    }

    #[test]
    fn every_op_and_every_look_is_among_them() {
        let ops = serde_json::to_value(schemars::schema_for!(HostOp)).unwrap();
        assert_eq!(tags(&HostOp::samples(), "op"), variants(&ops, "op"));
        let looks = serde_json::to_value(schemars::schema_for!(Look)).unwrap();
        assert_eq!(tags(&Look::samples(), "look"), variants(&looks, "look"));
    }
}
