//! The version policy (`phases/upgrade/policy.go`): what is refused whatever the flags, and what --force bypasses.

use super::error::{Ended, Failed};
use crate::doubles::ctx::Ctx;
use crate::doubles::words::Words;
use podlift_model::KubeVersion;

pub fn parse(to: &str) -> Ended<KubeVersion> {
    to.parse().map_err(|_| {
        Failed::new(format!("couldn't fetch Kubernetes version from server: version {to:?} is not a version"))
    })
}

pub fn check(ctx: &Ctx, words: &Words, from: KubeVersion, to: KubeVersion) -> Ended {
    let own = super::own_version(ctx);
    let mut fatal = vec![];
    if to.minor > from.minor + 1 {
        fatal.push(format!("Specified version to upgrade to \"{to}\" is too high; kubeadm can upgrade only 1 minor version at a time"));
    }
    if to.minor + 1 < from.minor {
        fatal.push(format!("Specified version to downgrade to \"{to}\" is too low; kubeadm can downgrade only 1 minor version at a time"));
    }
    if to.minor > own.minor {
        fatal.push(format!(
            "Specified version to upgrade to \"{to}\" is at least one minor release higher than the kubeadm minor release ({} > {}). Such an upgrade is not supported",
            to.minor, own.minor
        ));
    }
    if !fatal.is_empty() {
        return Err(Failed::new(format!(
            "the version argument is invalid due to these fatal errors:\n\n{}\nPlease fix the misalignments highlighted above and try upgrading again",
            bullets(&fatal)
        )));
    }
    let mut skippable = vec![];
    if to.minor == own.minor && to.patch > own.patch {
        skippable.push(format!("Specified version to upgrade to \"{to}\" is higher than the kubeadm version \"{own}\". Upgrade kubeadm first using the tool you used to install kubeadm"));
    }
    if to.minor < own.minor {
        skippable.push(format!(
            "Kubeadm version {own} can only be used to upgrade to Kubernetes version {}.{}",
            own.major, own.minor
        ));
    }
    match skippable.is_empty() || words.has(&["--force", "-f"]) {
        true => Ok(()),
        false => Err(Failed::new(format!(
            "the version argument is invalid due to these errors:\n\n{}\nCan be bypassed if you pass the --force flag",
            bullets(&skippable)
        ))),
    }
}

fn bullets(all: &[String]) -> String {
    all.iter().map(|t| format!("\t- {t}\n")).collect()
}
