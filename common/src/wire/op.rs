//! Host ops on the wire: the closed vocabulary. Each field is validated before it is used.

use super::WireError;
use super::bcm::{bcm_from_wire, bcm_to_wire};
use super::checkpoint::{checkpoint_from_wire, checkpoint_to_wire};
use super::fields::{field, fields, texts};
use podlift_model::op::{DeviceOverride, FlagLoss, PackagePin, PatchText};
use podlift_model::{Digest, HostOp};
use podlift_proto::v1::{self, op::Kind};

pub fn op_to_wire(op: &HostOp) -> v1::Op {
    let kind = match op {
        HostOp::AptSource { minor } => Kind::AptSource(v1::AptSource { minor: minor.to_string() }),
        HostOp::AptUpdate => Kind::AptUpdate(v1::AptUpdate {}),
        HostOp::PackageDownload { packages } => {
            Kind::PackageDownload(v1::PackageDownload { packages: pins_to_wire(packages) })
        }
        HostOp::PackageInstall { packages, repair, devices } => Kind::PackageInstall(v1::PackageInstall {
            packages: pins_to_wire(packages),
            repair: *repair,
            devices: override_to_wire(devices.as_ref()),
        }),
        HostOp::ImagePull { to } => Kind::ImagePull(v1::ImagePull { to: to.to_string() }),
        HostOp::ImageRelease => Kind::ImageRelease(v1::ImageRelease {}),
        HostOp::KubeadmApply { to, skip, ignore, whole } => Kind::KubeadmApply(v1::KubeadmApply {
            to: to.to_string(),
            skip_phases: texts(skip),
            ignore_preflight: texts(ignore),
            whole: *whole,
        }),
        HostOp::KubeadmNode { skip, whole } => {
            Kind::KubeadmNode(v1::KubeadmNode { skip_phases: texts(skip), whole: *whole })
        }
        HostOp::KubeadmAddons { to, addons } => {
            Kind::KubeadmAddons(v1::KubeadmAddons { to: to.to_string(), addons: texts(addons) })
        }
        HostOp::KubeletConfig => Kind::KubeletConfig(v1::KubeletConfig {}),
        HostOp::KubeletRestart { devices } => {
            Kind::KubeletRestart(v1::KubeletRestart { devices: override_to_wire(devices.as_ref()) })
        }
        HostOp::EtcdSnapshot { run } => Kind::EtcdSnapshot(v1::EtcdSnapshot { run: run.to_string() }),
        HostOp::EtcdMoveLeader => Kind::EtcdMoveLeader(v1::EtcdMoveLeader {}),
        HostOp::ManifestBackup { run } => Kind::ManifestBackup(v1::ManifestBackup { run: run.to_string() }),
        HostOp::ManifestRestore { component, sha256 } => Kind::ManifestRestore(v1::ManifestRestore {
            component: component.to_string(),
            sha256: sha256.to_string(),
        }),
        HostOp::GuardArm { run, seconds, allow } => Kind::GuardArm(v1::GuardArm {
            run: run.to_string(),
            seconds: *seconds,
            allow: allow.iter().map(loss_to_wire).collect(),
        }),
        HostOp::GuardDisarm { run } => Kind::GuardDisarm(v1::GuardDisarm { run: run.to_string() }),
        HostOp::HealAccept { component, sha256 } => {
            Kind::HealAccept(v1::HealAccept { component: component.to_string(), sha256: sha256.to_string() })
        }
        HostOp::HealApply { component } => {
            Kind::HealApply(v1::HealApply { component: component.to_string() })
        }
        HostOp::KubeadmPatches { files } => {
            let file = |f: &PatchText| v1::KubeadmPatch { name: f.name.to_string(), text: f.text.clone() };
            Kind::KubeadmPatches(v1::KubeadmPatches { files: files.iter().map(file).collect() })
        }
        HostOp::StepAside { seconds, reason } => {
            Kind::StepAside(v1::StepAside { seconds: *seconds, reason: reason.clone() })
        }
        HostOp::StepBack => Kind::StepBack(v1::StepBack {}),
        HostOp::Checkpoint { pods, seconds } => Kind::Checkpoint(checkpoint_to_wire(pods, *seconds)),
        HostOp::Bcm(op) => Kind::Bcm(bcm_to_wire(op)),
        HostOp::SiteCheck { name } => Kind::SiteCheck(v1::SiteCheck { name: name.to_string() }),
    };
    v1::Op { kind: Some(kind) }
}

pub(super) fn op_from_wire(kind: &Kind) -> Result<HostOp, WireError> {
    Ok(match kind {
        Kind::Observe(_) => return Err(WireError::new("op.kind", "a look, expected an op")),
        Kind::AptSource(o) => HostOp::AptSource { minor: field("apt_source.minor", &o.minor)? },
        Kind::AptUpdate(_) => HostOp::AptUpdate,
        Kind::PackageDownload(o) => HostOp::PackageDownload { packages: pins_from_wire(&o.packages)? },
        Kind::PackageInstall(o) => HostOp::PackageInstall {
            packages: pins_from_wire(&o.packages)?,
            repair: o.repair,
            devices: override_from_wire("package_install.devices", o.devices.as_ref())?,
        },
        Kind::ImagePull(o) => HostOp::ImagePull { to: field("image_pull.to", &o.to)? },
        Kind::ImageRelease(_) => HostOp::ImageRelease,
        Kind::KubeadmApply(o) => HostOp::KubeadmApply {
            to: field("kubeadm_apply.to", &o.to)?,
            skip: fields("kubeadm_apply.skip_phases", &o.skip_phases)?,
            ignore: fields("kubeadm_apply.ignore_preflight", &o.ignore_preflight)?,
            whole: o.whole,
        },
        Kind::KubeadmNode(o) => {
            HostOp::KubeadmNode { skip: fields("kubeadm_node.skip_phases", &o.skip_phases)?, whole: o.whole }
        }
        Kind::KubeadmAddons(o) => HostOp::KubeadmAddons {
            to: field("kubeadm_addons.to", &o.to)?,
            addons: fields("kubeadm_addons.addons", &o.addons)?,
        },
        Kind::KubeletConfig(_) => HostOp::KubeletConfig,
        Kind::KubeletRestart(o) => HostOp::KubeletRestart {
            devices: override_from_wire("kubelet_restart.devices", o.devices.as_ref())?,
        },
        Kind::EtcdSnapshot(o) => HostOp::EtcdSnapshot { run: field("etcd_snapshot.run", &o.run)? },
        Kind::EtcdMoveLeader(_) => HostOp::EtcdMoveLeader,
        Kind::ManifestBackup(o) => HostOp::ManifestBackup { run: field("manifest_backup.run", &o.run)? },
        Kind::ManifestRestore(o) => HostOp::ManifestRestore {
            component: field("manifest_restore.component", &o.component)?,
            sha256: Digest::try_from(o.sha256.clone())
                .map_err(|e| WireError::new("manifest_restore.sha256", e))?,
        },
        Kind::GuardArm(o) => HostOp::GuardArm {
            run: field("guard_arm.run", &o.run)?,
            seconds: o.seconds,
            allow: o.allow.iter().map(loss_from_wire).collect::<Result<_, _>>()?,
        },
        Kind::GuardDisarm(o) => HostOp::GuardDisarm { run: field("guard_disarm.run", &o.run)? },
        Kind::HealAccept(o) => HostOp::HealAccept {
            component: field("heal_accept.component", &o.component)?,
            sha256: Digest::try_from(o.sha256.clone())
                .map_err(|e| WireError::new("heal_accept.sha256", e))?,
        },
        Kind::HealApply(o) => HostOp::HealApply { component: field("heal_apply.component", &o.component)? },
        Kind::KubeadmPatches(o) => HostOp::KubeadmPatches { files: patches_from_wire(&o.files)? },
        Kind::StepAside(o) => {
            HostOp::StepAside { seconds: aside_seconds(o.seconds)?, reason: o.reason.clone() }
        }
        Kind::StepBack(_) => HostOp::StepBack,
        Kind::Checkpoint(o) => checkpoint_from_wire(o)?,
        Kind::Bcm(o) => HostOp::Bcm(bcm_from_wire(o)?),
        Kind::SiteCheck(o) => HostOp::SiteCheck { name: field("site_check.name", &o.name)? },
    })
}

/// Longest time for which an API server may step aside. A restart takes a minute or two; the rest is kubeadm's own waiting.
const ASIDE_SECONDS: u32 = 3600;

fn aside_seconds(seconds: u32) -> Result<u32, WireError> {
    match seconds {
        1..=ASIDE_SECONDS => Ok(seconds),
        other => Err(WireError::new(
            "step_aside.seconds",
            format!("{other} is not valid: expected 1 to {ASIDE_SECONDS}"),
        )),
    }
}

/// Most bytes of the reason of an override; one sentence has fewer.
const REASON_BYTES: usize = 200;

fn override_to_wire(devices: Option<&DeviceOverride>) -> Option<v1::DeviceOverride> {
    devices.map(|d| v1::DeviceOverride { node: d.node.to_string(), reason: d.reason.clone() })
}

/// An override without a reason is refused: the reason is all that a later reader has.
fn override_from_wire(
    name: &'static str,
    devices: Option<&v1::DeviceOverride>,
) -> Result<Option<DeviceOverride>, WireError> {
    let Some(devices) = devices else { return Ok(None) };
    let reason = devices.reason.trim();
    let readable = (1..=REASON_BYTES).contains(&reason.len()) && !reason.chars().any(char::is_control);
    match readable {
        true => Ok(Some(DeviceOverride { node: field(name, &devices.node)?, reason: reason.into() })),
        false => Err(WireError::new(
            name,
            format!(
                "reason {:?} is not valid: expected 1 to {REASON_BYTES} bytes of printable text",
                devices.reason
            ),
        )),
    }
}

fn loss_to_wire(loss: &FlagLoss) -> v1::FlagLoss {
    v1::FlagLoss { component: loss.component.to_string(), flag: loss.flag.to_string() }
}

fn loss_from_wire(loss: &v1::FlagLoss) -> Result<FlagLoss, WireError> {
    Ok(FlagLoss {
        component: field("guard_arm.allow.component", &loss.component)?,
        flag: field("guard_arm.allow.flag", &loss.flag)?,
    })
}

/// Most bytes of a patch; no patch of a few settings is larger.
const PATCH_BYTES: usize = 64 << 10;

fn patches_from_wire(files: &[v1::KubeadmPatch]) -> Result<Vec<PatchText>, WireError> {
    let file = |f: &v1::KubeadmPatch| match f.text.len() {
        0..=PATCH_BYTES => {
            Ok(PatchText { name: field("kubeadm_patches.name", &f.name)?, text: f.text.clone() })
        }
        n => {
            Err(WireError::new("kubeadm_patches.text", format!("{n} bytes, expected at most {PATCH_BYTES}")))
        }
    };
    files.iter().map(file).collect()
}

pub(super) fn pins_to_wire(pins: &[PackagePin]) -> Vec<v1::PackagePin> {
    pins.iter()
        .map(|p| v1::PackagePin { name: p.package.to_string(), version: p.version.to_string() })
        .collect()
}

pub(super) fn pins_from_wire(pins: &[v1::PackagePin]) -> Result<Vec<PackagePin>, WireError> {
    if pins.is_empty() {
        return Err(WireError::new(
            "packages",
            "empty, expected at least one package with its exact version",
        ));
    }
    let pin = |p: &v1::PackagePin| {
        Ok(PackagePin {
            package: field("packages.name", &p.name)?,
            version: field("packages.version", &p.version)?,
        })
    };
    pins.iter().map(pin).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{HostRequest, request_from_wire};

    #[test]
    fn every_op_survives_the_wire() {
        for op in HostOp::samples() {
            assert_eq!(request_from_wire(&op_to_wire(&op)), Ok(HostRequest::Op(op)));
        }
    }

    #[test]
    fn what_is_not_in_the_vocabulary_is_refused_by_name() {
        let wire = |kind| v1::Op { kind: Some(kind) };
        let restart = |node: &str, reason: &str| {
            let devices = v1::DeviceOverride { node: node.into(), reason: reason.into() };
            wire(Kind::KubeletRestart(v1::KubeletRestart { devices: Some(devices) }))
        };
        let pin = |name: &str, version: &str| v1::PackagePin { name: name.into(), version: version.into() };
        let cases = [
            (v1::Op { kind: None }, "op.kind"),
            (wire(Kind::AptSource(v1::AptSource { minor: "1.32; rm -rf /".into() })), "apt_source.minor"),
            (
                wire(Kind::PackageInstall(v1::PackageInstall {
                    packages: vec![pin("bash", "1.32.9-1.1")],
                    ..v1::PackageInstall::default()
                })),
                "packages.name",
            ),
            (
                wire(Kind::PackageInstall(v1::PackageInstall {
                    packages: vec![pin("kubeadm", "latest")],
                    ..v1::PackageInstall::default()
                })),
                "packages.version",
            ),
            (wire(Kind::PackageInstall(v1::PackageInstall::default())), "packages"),
            (restart("dgx 30", "it may be lost"), "kubelet_restart.devices"),
            (restart("dgx030", " "), "kubelet_restart.devices"),
            (restart("dgx030", "a\nb"), "kubelet_restart.devices"),
            (restart("dgx030", &"x".repeat(201)), "kubelet_restart.devices"),
            (
                wire(Kind::ManifestRestore(v1::ManifestRestore {
                    component: "etcd".into(),
                    sha256: String::new(),
                })),
                "manifest_restore.component",
            ),
            (wire(Kind::EtcdSnapshot(v1::EtcdSnapshot { run: "../../x".into() })), "etcd_snapshot.run"),
            (
                wire(Kind::KubeadmPatches(v1::KubeadmPatches {
                    files: vec![v1::KubeadmPatch { name: "etcd+json.yaml".into(), text: String::new() }],
                })),
                "kubeadm_patches.name",
            ),
            (
                wire(Kind::StepAside(v1::StepAside { seconds: 86_400, reason: "a whole day".into() })),
                "step_aside.seconds",
            ),
            (wire(Kind::SiteCheck(v1::SiteCheck { name: String::new() })), "site_check.name"),
            (wire(Kind::SiteCheck(v1::SiteCheck { name: "../../bin/sh".into() })), "site_check.name"),
            (wire(Kind::SiteCheck(v1::SiteCheck { name: "storage.toml".into() })), "site_check.name"),
            (
                wire(Kind::GuardArm(v1::GuardArm {
                    run: "r".into(),
                    seconds: 1,
                    allow: vec![v1::FlagLoss { component: "kube-apiserver".into(), flag: "--x=1".into() }],
                })),
                "guard_arm.allow.flag",
            ),
        ];
        for (op, want) in cases {
            assert_eq!(request_from_wire(&op).unwrap_err().field, want);
        }
    }
}
