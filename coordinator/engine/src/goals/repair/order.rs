//! The order of a repair: the backup, the ConfigMaps, the patches, the verification. Parts that are right already are left out.

use crate::goals::draft::{Draft, backup, number, validation};
use crate::inventory::{Inventory, NodeEntry};
use crate::program::{Phase, Shared};
use crate::steps::{
    CompareFleet, KubeadmPatches, LearnConfig, RepairConfig, RepairKubelet, StepKind, VerifyFleet,
};
use podlift_model::NodeName;
use std::collections::BTreeSet;

/// What there is to repair.
#[derive(Debug, Default)]
pub(super) struct Also {
    /// kubeadm-config.
    pub config: bool,
    /// ConfigMap kubelet-config.
    pub kubelet_config: bool,
    /// Nodes whose patches directory the run writes.
    pub patched: BTreeSet<NodeName>,
    /// BCM has to read the repaired kubeadm-config.
    pub learn: bool,
    /// Repairs of issues that are seen now.
    pub mends: Vec<StepKind>,
}

impl Also {
    pub fn is_empty(&self) -> bool {
        !self.config && !self.kubelet_config && self.patched.is_empty() && self.mends.is_empty()
    }
}

pub(super) fn phases(all: &Inventory, shared: &Shared, also: &Also) -> Vec<Phase> {
    let servers: Vec<&NodeEntry> = all.control_planes().collect();
    let config: Option<StepKind> = also.config.then(|| RepairConfig::to(shared.to).into());
    let learn: Option<StepKind> = also.learn.then(|| LearnConfig {}.into());
    let kubelet: Option<StepKind> = also.kubelet_config.then(|| RepairKubelet {}.into());
    let patches = also.patched.iter().map(|n| (Some(n.clone()), vec![KubeadmPatches {}.into()]));
    let drafts = [
        (!also.is_empty()).then(|| backup(&servers)),
        Some(Draft {
            name: "root-cause",
            title: "What kubeadm will write",
            why: "every node's kubeadm reads only the ConfigMaps, so the next run of kubeadm would take away what they lack",
            parallel: 1,
            lanes: vec![(None, config.into_iter().chain(learn).chain(kubelet).collect())],
        }),
        Some(Draft {
            name: "patches",
            title: "Files for kubeadm --patches",
            why: "the cluster keeps no patches, so each node needs its own at every later run of kubeadm",
            parallel: also.patched.len().max(1) as u32,
            lanes: patches.collect(),
        }),
        Some(Draft {
            name: "after",
            title: "After",
            why: "the repair has succeeded only if the whole fleet is seen to be as it was",
            parallel: 1,
            lanes: vec![(None, after(shared, also))],
        }),
        Some(validation()),
    ];
    let some = |d: &Draft| d.lanes.iter().any(|(_, steps)| !steps.is_empty());
    number(drafts.into_iter().flatten().filter(some))
}

fn after(shared: &Shared, also: &Also) -> Vec<StepKind> {
    let verified = [VerifyFleet::as_they_are(shared.to).into(), CompareFleet::to(shared.to).into()];
    also.mends.iter().cloned().chain(verified).collect()
}
