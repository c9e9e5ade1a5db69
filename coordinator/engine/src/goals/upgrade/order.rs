//! The order of a run, from design.md. docs/runbook-map.md gives the reason for each deviation from the runbook.

use crate::goals::draft::{Draft, backup, number};
use crate::inventory::{Inventory, NodeEntry, NodeRole};
use crate::program::{Phase, PlanOptions, Shared};
use crate::steps::{
    Addons, AptSource, AptUpdate, CompareFleet, Cordon, Download, Drain, EtcdReady, FlagDiff, GuardArm,
    GuardDisarm, ImagePull, KubeadmApply, KubeadmNode, KubeadmPatches, KubeletConfig, KubeletRestart,
    NodeReady, Packages, RepairConfig, RepairKubelet, StepKind, Uncordon, VerifyApi, VerifyFleet,
};
use podlift_model::NodeName;
use podlift_model::op::Package::{Kubeadm, Kubectl, Kubelet};
use std::collections::BTreeSet;

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
            why: "every node's kubeadm reads only the ConfigMaps, so they are repaired before the first kubeadm runs",
            parallel: 1,
            lanes: vec![(None, root_cause(shared, also))],
        },
        pre_stage(chosen, shared, also),
        control_plane(&servers, shared),
        addons(&servers, shared, also),
        Draft {
            name: "kubelets",
            title: "Control plane, kubelets",
            why: "a kubelet may not be newer than an API server, so all API servers come first",
            parallel: 1,
            lanes: lanes(&servers, &server_kubelet(shared, also)),
        },
        Draft {
            name: "canary",
            title: "Workers, the first",
            why: "what goes wrong on workers goes wrong on the first ones, before it can reach the others",
            parallel: canary.max(1) as u32,
            lanes: lanes(&workers[..canary], &worker(shared)),
        },
        Draft {
            name: "workers",
            title: "Workers",
            why: "at most this many workers may be unavailable at once",
            parallel: options.max_unavailable.max(1),
            lanes: lanes(&workers[canary..], &worker(shared)),
        },
        Draft {
            name: "after",
            title: "After",
            why: "the run has succeeded only if the whole fleet is seen to be as it was, at the new version",
            parallel: 1,
            lanes: vec![(None, vec![VerifyFleet::to(shared.to).into(), CompareFleet::to(shared.to).into()])],
        },
    ];
    number(drafts.into_iter().filter(|d| d.lanes.iter().any(|(_, steps)| !steps.is_empty())))
}

fn lanes(nodes: &[&NodeEntry], steps: &[StepKind]) -> Vec<(Option<NodeName>, Vec<StepKind>)> {
    nodes.iter().map(|n| (Some(n.name.clone()), steps.to_vec())).collect()
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
        why: "whatever can be missing is found missing before anything is disrupted",
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
    Draft {
        name: "control-plane",
        title: "Control plane, API servers",
        why: "one node at a time, so that the other API servers and the etcd majority stay",
        parallel: 1,
        lanes,
    }
}

fn addons(servers: &[&NodeEntry], shared: &Shared, also: &Also) -> Draft {
    let first = servers.first().filter(|_| !also.whole_apply);
    let steps = || vec![Addons::to(shared.to, shared.addons.clone()).into()];
    let lanes = first.map(|n| (Some(n.name.clone()), steps())).into_iter().collect();
    let why = "addons roll over the whole fleet, so they change once, after the last API server";
    Draft { name: "addons", title: "Addons", why, parallel: 1, lanes }
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
