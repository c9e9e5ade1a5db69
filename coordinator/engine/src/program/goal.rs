//! What a run is for. Only what one goal alone has stands here; all that any run needs is the program's.

use super::{Blast, Loss};
use podlift_model::op::{Addon, Package, Preflight};
use podlift_model::{KubeVersion, NodeName, PackageVersion};
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq)]
pub enum Goal {
    Upgrade(Upgrade),
    Repair(Repair),
}

/// One minor or patch up.
#[derive(Debug, Clone, PartialEq)]
pub struct Upgrade {
    pub from: KubeVersion,
    pub to: KubeVersion,
    /// Exact package versions to install.
    pub packages: BTreeMap<Package, PackageVersion>,
    /// Addons that the cluster uses.
    pub addons: Vec<Addon>,
    /// Addons that kubeadm would deploy by itself although the cluster does not use them: `addon/kube-proxy`.
    pub skip_phases: Vec<String>,
    /// Preflight errors of `kubeadm upgrade apply` that somebody waived.
    pub ignore: Vec<Preflight>,
    /// All that the upgrade would take away or change, repaired or not, with where it comes from.
    pub losses: Vec<Loss>,
    /// What the work on each node would take with it.
    pub blast: BTreeMap<NodeName, Blast>,
}

/// The version stays; what kubeadm would write next time is brought in line with what runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repair {
    pub version: KubeVersion,
}

/// What many steps of one program have in common. A document has it once, and steps leave it out.
#[derive(Debug, Clone, PartialEq)]
pub struct Shared {
    pub to: KubeVersion,
    pub packages: BTreeMap<Package, PackageVersion>,
    pub addons: Vec<Addon>,
    pub ignore: Vec<Preflight>,
}

impl Goal {
    pub fn from(&self) -> KubeVersion {
        match self {
            Goal::Upgrade(upgrade) => upgrade.from,
            Goal::Repair(repair) => repair.version,
        }
    }

    pub fn to(&self) -> KubeVersion {
        match self {
            Goal::Upgrade(upgrade) => upgrade.to,
            Goal::Repair(repair) => repair.version,
        }
    }

    pub fn upgrade(&self) -> Option<&Upgrade> {
        match self {
            Goal::Upgrade(upgrade) => Some(upgrade),
            Goal::Repair(_) => None,
        }
    }

    pub fn shared(&self) -> Shared {
        let upgrade = self.upgrade();
        Shared {
            to: self.to(),
            packages: upgrade.map(|u| u.packages.clone()).unwrap_or_default(),
            addons: upgrade.map(|u| u.addons.clone()).unwrap_or_default(),
            ignore: upgrade.map(|u| u.ignore.clone()).unwrap_or_default(),
        }
    }
}
