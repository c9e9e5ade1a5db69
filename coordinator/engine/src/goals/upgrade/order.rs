//! The order of a run, from design.md. docs/runbook-map.md gives the reason for each deviation from the runbook.

use crate::inventory::{Inventory, NodeEntry, NodeRole};
use crate::program::{Lane, Phase, PlanOptions, Shared, StepSpec};
use crate::steps::{
    Addons, AptSource, AptUpdate, CompareFleet, Cordon, Download, Drain, EtcdReady, EtcdSnapshot, FlagDiff,
    GuardArm, GuardDisarm, ImagePull, KubeadmApply, KubeadmNode, KubeadmPatches, KubeletConfig,
    KubeletRestart, ManifestBackup, NodeReady, Packages, RepairConfig, RepairKubelet, SealBackup, StepKind,
    Uncordon, VerifyApi, VerifyFleet,
};
use podlift_model::op::Package::{Kubeadm, Kubectl, Kubelet};
use podlift_model::{NodeName, StepId};
use std::collections::BTreeSet;

/// A phase before its steps have numbers.
struct Draft {
    name: &'static str,
    title: &'static str,
    parallel: u32,
    lanes: Vec<(Option<NodeName>, Vec<StepKind>)>,
}

/// Conditions for steps that only some plans have.
#[derive(Debug, Default)]
pub(super) struct Also {
    /// The run repairs ConfigMap kubelet-config.
    pub kubelet_config: bool,
    /// Nodes whose patches directory the run writes.
    pub patched: BTreeSet<NodeName>,
    /// The target's kubeadm has no phases of `upgrade apply`, so apply and node also update addons and the kubelet's configuration.
    pub whole_apply: bool,
}

/// `chosen` is the inventory cut to the nodes that this run upgrades. The backup always covers the whole control plane.
pub(super) fn phases(
    all: &Inventory,
    chosen: &Inventory,
    options: &PlanOptions,
    shared: &Shared,
    also: &Also,
) -> Vec<Phase> {
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
            lanes: vec![(None, root_cause(shared, also))],
        },
        pre_stage(chosen, shared, also),
        control_plane(&servers, shared),
        addons(&servers, shared, also),
        lanes("kubelets", "Control plane, kubelets", 1, &servers, &server_kubelet(shared, also)),
        lanes("canary", "Workers, the first", canary.max(1) as u32, &workers[..canary], &worker(shared)),
        lanes("workers", "Workers", options.max_unavailable.max(1), &workers[canary..], &worker(shared)),
        Draft {
            name: "after",
            title: "After",
            parallel: 1,
            lanes: vec![(None, vec![VerifyFleet::to(shared.to).into(), CompareFleet::to(shared.to).into()])],
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
        servers.iter().map(|n| (Some(n.name.clone()), vec![ManifestBackup {}.into()])).collect();
    if first.is_some() {
        lanes.insert(0, (first, vec![EtcdSnapshot {}.into()]));
    }
    // One lane at a time, so that the seal comes last.
    lanes.push((None, vec![SealBackup {}.into()]));
    Draft { name: "backup", title: "Backup, verified and sealed", parallel: 1, lanes }
}

fn root_cause(shared: &Shared, also: &Also) -> Vec<StepKind> {
    let kubelet: Option<StepKind> = also.kubelet_config.then(|| RepairKubelet {}.into());
    std::iter::once(RepairConfig::to(shared.to).into()).chain(kubelet).collect()
}

fn pre_stage(chosen: &Inventory, shared: &Shared, also: &Also) -> Draft {
    let steps = |node: &NodeEntry| {
        let packages = Download::of(&[Kubeadm, Kubelet, Kubectl], &shared.packages);
        let mut steps: Vec<StepKind> =
            vec![AptSource::to(shared.to).into(), AptUpdate {}.into(), packages.into()];
        if node.role == NodeRole::ControlPlane {
            steps.push(ImagePull::to(shared.to).into());
        }
        if also.patched.contains(&node.name) {
            steps.push(KubeadmPatches {}.into());
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

fn control_plane(servers: &[&NodeEntry], shared: &Shared) -> Draft {
    let to = shared.to;
    let steps = |first: bool| {
        let upgrade: StepKind = match first {
            true => KubeadmApply::to(to, shared.ignore.clone()).into(),
            false => KubeadmNode::to(to).into(),
        };
        vec![
            EtcdReady {}.into(),
            GuardArm {}.into(),
            Packages::of(&[Kubeadm], &shared.packages).into(),
            FlagDiff::to(to).into(),
            upgrade,
            VerifyApi::at(to).into(),
            GuardDisarm {}.into(),
        ]
    };
    let lanes = servers.iter().enumerate().map(|(i, n)| (Some(n.name.clone()), steps(i == 0))).collect();
    Draft { name: "control-plane", title: "Control plane, API servers", parallel: 1, lanes }
}

fn addons(servers: &[&NodeEntry], shared: &Shared, also: &Also) -> Draft {
    let first = servers.first().filter(|_| !also.whole_apply);
    let steps = || vec![Addons::to(shared.to, shared.addons.clone()).into()];
    let lanes = first.map(|n| (Some(n.name.clone()), steps())).into_iter().collect();
    Draft { name: "addons", title: "Addons", parallel: 1, lanes }
}

fn server_kubelet(shared: &Shared, also: &Also) -> Vec<StepKind> {
    let config: Option<StepKind> = (!also.whole_apply).then(|| KubeletConfig {}.into());
    let before: [StepKind; 3] =
        [Cordon {}.into(), Drain {}.into(), Packages::of(&[Kubelet, Kubectl], &shared.packages).into()];
    before.into_iter().chain(config).chain(back(shared)).collect()
}

/// Steps for nodes with packages. A node whose disk comes from a BCM image would get another list here.
fn worker(shared: &Shared) -> Vec<StepKind> {
    let before: [StepKind; 5] = [
        Cordon {}.into(),
        Drain {}.into(),
        Packages::of(&[Kubeadm], &shared.packages).into(),
        KubeadmNode::to(shared.to).into(),
        Packages::of(&[Kubelet, Kubectl], &shared.packages).into(),
    ];
    before.into_iter().chain(back(shared)).collect()
}

/// Steps that bring the node back into service.
fn back(shared: &Shared) -> [StepKind; 3] {
    [KubeletRestart::to(shared.to).into(), NodeReady::at(shared.to).into(), Uncordon {}.into()]
}

fn number(drafts: impl Iterator<Item = Draft>) -> Vec<Phase> {
    let mut number = 0;
    let mut step = |phase: &str, node: &Option<NodeName>, kind: StepKind| {
        number += 1;
        let verb = kind.step().verb();
        let text = node.as_ref().map_or(format!("{phase}/{verb}"), |n| format!("{phase}/{n}/{verb}"));
        // Phase and verb are constants and node names are validated, so the id is always valid.
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
