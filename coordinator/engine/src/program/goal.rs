//! The goal of a run. Only fields of one goal belong here; fields of every run belong to the program.

use super::{Blast, Loss, NodeImages};
use crate::issues::IssueName;
use podlift_model::op::{Addon, Package, Preflight};
use podlift_model::{KubeVersion, NodeName, PackageVersion};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The name of a goal, as in documents and requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GoalName {
    #[default]
    Upgrade,
    Repair,
}

impl GoalName {
    pub(crate) fn is_upgrade(&self) -> bool {
        *self == Self::Upgrade
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Goal {
    Upgrade(Upgrade),
    Repair(Repair),
}

/// An upgrade by one minor or to a later patch.
#[derive(Debug, Clone, PartialEq)]
pub struct Upgrade {
    pub from: KubeVersion,
    pub to: KubeVersion,
    /// Exact package versions to install.
    pub packages: BTreeMap<Package, PackageVersion>,
    /// Addons that the cluster uses.
    pub addons: Vec<Addon>,
    /// Addons that kubeadm would deploy although the cluster does not use them: `addon/kube-proxy`.
    pub skip_phases: Vec<String>,
    /// Preflight errors of `kubeadm upgrade apply` that an operator has waived.
    pub ignore: Vec<Preflight>,
    /// All settings that the upgrade would take away or change, repaired or not, with their origin.
    pub losses: Vec<Loss>,
    /// What the work on each node affects.
    pub blast: BTreeMap<NodeName, Blast>,
    /// Images of the target on each node.
    pub images: BTreeMap<NodeName, NodeImages>,
}

/// A repair: the version stays, and kubeadm's input is brought in line with what runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repair {
    pub version: KubeVersion,
    /// The issues whose repairs were asked for; empty for all.
    pub issues: Vec<IssueName>,
}

/// Values that many steps of one program share. A document has them once, and steps omit them.
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

    pub fn name(&self) -> GoalName {
        match self {
            Goal::Upgrade(_) => GoalName::Upgrade,
            Goal::Repair(_) => GoalName::Repair,
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
