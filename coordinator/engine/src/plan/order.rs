//! The order of a run, as design.md has it; docs/runbook-map.md gives the reason of each deviation from the runbook.

use super::{Lane, Phase, PlanOptions, StepKind, StepSpec};
use crate::inventory::{Inventory, NodeEntry, NodeRole};
use podlift_model::op::Package::{Kubeadm, Kubectl, Kubelet};
use podlift_model::{KubeVersion, NodeName, StepId};
use std::collections::BTreeSet;

/// A phase before its steps have numbers.
struct Draft {
    name: &'static str,
    title: &'static str,
    parallel: u32,
    lanes: Vec<(Option<NodeName>, Vec<StepKind>)>,
}

/// Steps that only some plans have.
#[derive(Debug, Default)]
pub(super) struct Also {
    /// ConfigMap kubelet-config is repaired.
    pub kubelet_config: bool,
    /// Nodes whose patches directory is written.
    pub patched: BTreeSet<NodeName>,
    /// kubeadm of the target has no phases of `upgrade apply`: addons and the kubelet's configuration go with apply and node.
    pub whole_apply: bool,
}

/// `upgrade apply` has phases and `--skip-phases` from kubeadm 1.32 on (kubernetes/kubeadm#1318).
pub(super) fn has_phases(to: KubeVersion) -> bool {
    (to.major, to.minor) >= (1, 32)
}

/// `chosen` is the inventory cut to the nodes that this run upgrades; the backup is of all of the control plane whatever is chosen.
pub(super) fn phases(all: &Inventory, chosen: &Inventory, options: &PlanOptions, also: &Also) -> Vec<Phase> {
    let every: Vec<&NodeEntry> = all.control_planes().collect();
    let servers: Vec<&NodeEntry> = chosen.control_planes().collect();
    let workers: Vec<&NodeEntry> = chosen.of_role(NodeRole::Worker).collect();
    let canary = (options.canary as usize).min(workers.len());
    let drafts = [
        backup(&every),
        Draft {
            name: "root-cause",
            title: "What kubeadm will write",
            parallel: 1,
            lanes: vec![(None, root_cause(also))],
        },
        pre_stage(chosen, also),
        control_plane(&servers),
        addons(&servers, also),
        lanes("kubelets", "Control plane, kubelets", 1, &servers, &server_kubelet(also)),
        lanes("canary", "Workers, the first", canary.max(1) as u32, &workers[..canary], &worker()),
        lanes("workers", "Workers", options.max_unavailable.max(1), &workers[canary..], &worker()),
        Draft {
            name: "after",
            title: "After",
            parallel: 1,
            lanes: vec![(None, vec![StepKind::VerifyFleet, StepKind::CompareFleet])],
        },
    ];
    number(drafts.into_iter().filter(|d| d.lanes.iter().any(|(_, steps)| !steps.is_empty())))
}

fn lanes(
    name: &'static str,
    title: &'static str,
    parallel: u32,
    nodes: &[&NodeEntry],
    steps: &[StepKind],
) -> Draft {
    let lanes = nodes.iter().map(|n| (Some(n.name.clone()), steps.to_vec())).collect();
    Draft { name, title, parallel, lanes }
}

fn backup(servers: &[&NodeEntry]) -> Draft {
    let first = servers.first().map(|n| n.name.clone());
    let mut lanes: Vec<_> =
        servers.iter().map(|n| (Some(n.name.clone()), vec![StepKind::ManifestBackup])).collect();
    if first.is_some() {
        lanes.insert(0, (first, vec![StepKind::EtcdSnapshot]));
    }
    // One lane at a time, so that the seal comes after all of it.
    lanes.push((None, vec![StepKind::SealBackup]));
    Draft { name: "backup", title: "Backup, verified and sealed", parallel: 1, lanes }
}

fn root_cause(also: &Also) -> Vec<StepKind> {
    let kubelet = also.kubelet_config.then_some(StepKind::RepairKubelet);
    std::iter::once(StepKind::RepairConfig).chain(kubelet).collect()
}

fn pre_stage(chosen: &Inventory, also: &Also) -> Draft {
    let steps = |node: &NodeEntry| {
        let packages = vec![Kubeadm, Kubelet, Kubectl];
        let mut steps = vec![StepKind::AptSource, StepKind::AptUpdate, StepKind::Download { packages }];
        if node.role == NodeRole::ControlPlane {
            steps.push(StepKind::ImagePull);
        }
        if also.patched.contains(&node.name) {
            steps.push(StepKind::KubeadmPatches);
        }
        steps
    };
    let lanes: Vec<_> = chosen.nodes.iter().map(|n| (Some(n.name.clone()), steps(n))).collect();
    Draft {
        name: "pre-stage",
        title: "Packages and images on all nodes",
        parallel: lanes.len().max(1) as u32,
        lanes,
    }
}

fn control_plane(servers: &[&NodeEntry]) -> Draft {
    let steps = |first: bool| {
        let upgrade = if first { StepKind::KubeadmApply } else { StepKind::KubeadmNode };
        vec![
            StepKind::EtcdReady,
            StepKind::GuardArm,
            StepKind::Packages { packages: vec![Kubeadm] },
            StepKind::FlagDiff,
            upgrade,
            StepKind::VerifyApi,
            StepKind::GuardDisarm,
        ]
    };
    let lanes = servers.iter().enumerate().map(|(i, n)| (Some(n.name.clone()), steps(i == 0))).collect();
    Draft { name: "control-plane", title: "Control plane, API servers", parallel: 1, lanes }
}

fn addons(servers: &[&NodeEntry], also: &Also) -> Draft {
    let first = servers.first().filter(|_| !also.whole_apply);
    let lanes = first.map(|n| (Some(n.name.clone()), vec![StepKind::Addons])).into_iter().collect();
    Draft { name: "addons", title: "Addons", parallel: 1, lanes }
}

fn server_kubelet(also: &Also) -> Vec<StepKind> {
    use StepKind as K;
    let packages = vec![Kubelet, Kubectl];
    [
        K::Cordon,
        K::Drain,
        K::Packages { packages },
        K::KubeletConfig,
        K::KubeletRestart,
        K::NodeReady,
        K::Uncordon,
    ]
    .into_iter()
    .filter(|step| !(also.whole_apply && *step == K::KubeletConfig))
    .collect()
}

/// The package path. A node whose disk comes from a BCM image gets another list here.
fn worker() -> Vec<StepKind> {
    use StepKind as K;
    vec![
        K::Cordon,
        K::Drain,
        K::Packages { packages: vec![Kubeadm] },
        K::KubeadmNode,
        K::Packages { packages: vec![Kubelet, Kubectl] },
        K::KubeletRestart,
        K::NodeReady,
        K::Uncordon,
    ]
}

fn number(drafts: impl Iterator<Item = Draft>) -> Vec<Phase> {
    let mut number = 0;
    let mut step = |phase: &str, node: &Option<NodeName>, kind: StepKind| {
        number += 1;
        let verb = kind.verb();
        let text = node.as_ref().map_or(format!("{phase}/{verb}"), |n| format!("{phase}/{n}/{verb}"));
        // Phase and verb are ours and node names are validated: the id is always valid.
        let id = StepId::new(text).unwrap_or_else(|e| unreachable!("{e}"));
        StepSpec { number, id, phase: phase.into(), node: node.clone(), kind }
    };
    drafts
        .map(|draft| {
            let lanes = draft.lanes.into_iter().map(|(node, kinds)| {
                let steps = kinds.into_iter().map(|kind| step(draft.name, &node, kind)).collect();
                Lane { node, steps }
            });
            Phase {
                name: draft.name.into(),
                title: draft.title.into(),
                parallel: draft.parallel,
                lanes: lanes.collect(),
            }
        })
        .collect()
}
