//! The order of a run, from design.md. docs/runbook-map.md gives the reason for each deviation from the runbook.

use super::bcm_plan::Drawn;
use super::forecast::{Foreseen, foresee};
use super::image_order::{assign, books, image_of, images, sync};
use crate::goals::draft::{Draft, backup, number, validation};
use crate::inventory::{Inventory, NodeEntry, NodeRole};
use crate::program::{CANARY, ImageOrder, JobRow, Phase, PlanOptions, Shared, WORKERS};
use crate::steps::{
    Addons, AptSource, AptUpdate, Checkpoint, CompareFleet, Cordon, DevicesBack, Download, Drain, EtcdReady,
    FlagDiff, GuardArm, GuardDisarm, ImagePull, ImageRelease, KubeadmApply, KubeadmNode, KubeadmPatches,
    KubeletConfig, KubeletRestart, LearnConfig, NodeReachable, NodeReady, Packages, RepairConfig,
    RepairKubelet, Soak, SoftTaint, SoftUntaint, StepAside, StepBack, StepKind, Uncordon, VerifyApi,
    VerifyFleet, VerifyNode, Warn,
};
use jiff::Timestamp;
use podlift_batches::Job;
use podlift_model::bcm::ImageName;
use podlift_model::op::Component;
use podlift_model::op::Package::{self, Kubeadm, Kubectl, Kubelet};
use podlift_model::{NodeName, PackageVersion};
use std::collections::{BTreeMap, BTreeSet};

/// Conditions for steps that only some plans have.
#[derive(Debug, Default)]
pub(super) struct Also {
    /// The run repairs ConfigMap kubelet-config.
    pub kubelet_config: bool,
    /// Nodes whose patches directory the run writes.
    pub patched: BTreeSet<NodeName>,
    /// kubeadm-config names the target already.
    pub config_at_target: bool,
    /// Workers that are left out by name.
    pub without: BTreeSet<NodeName>,
    /// Nodes that an earlier run has left unfinished, so that their devices are compared with its record.
    pub unfinished: BTreeSet<NodeName>,
    /// Jobs on the workers, and the time of the plan, from which the order of the workers follows.
    pub jobs: Vec<Job>,
    pub now: Timestamp,
    /// The target's kubeadm has no phases of `upgrade apply`, so apply and node also update addons and the kubelet's configuration.
    pub whole_apply: bool,
    /// Software images and BCM's books.
    pub bcm: Drawn,
    /// Repairs of known issues, for what the run may take away.
    pub mends: Vec<StepKind>,
}

/// `chosen` is the inventory cut to the nodes that this run upgrades. The backup always covers the whole control plane.
pub(super) fn phases(
    all: &Inventory,
    chosen: &Inventory,
    options: &PlanOptions,
    shared: &Shared,
    also: &Also,
) -> (Vec<Phase>, Vec<JobRow>) {
    let every: Vec<&NodeEntry> = all.control_planes().collect();
    let servers: Vec<&NodeEntry> = chosen.control_planes().collect();
    let ready: Vec<&NodeEntry> = chosen.nodes.iter().filter(|n| is_done(n, shared)).collect();
    let open = |n: &&NodeEntry| !ready.iter().any(|r| r.name == n.name);
    let workers: Vec<&NodeEntry> = chosen.of_role(NodeRole::Worker).filter(open).collect();
    let kubelets: Vec<&NodeEntry> = servers.iter().copied().filter(open).collect();
    // A worker that is left out by name shows nothing. Which ones are not Ready changes all the time, and the machine sees to those.
    let (workers, without): (Vec<&NodeEntry>, Vec<&NodeEntry>) =
        workers.into_iter().partition(|n| !also.without.contains(&n.name));
    let foreseen = foresee(all, &workers, options, also.bcm.plan.as_ref(), &also.jobs, also.now);
    let (first, others) = in_order(&workers, foreseen.as_ref(), options);
    let others: Vec<&NodeEntry> = others.into_iter().chain(without).collect();
    let tainted: Vec<&NodeEntry> =
        workers.iter().copied().filter(|_| also_tainted(options, &workers)).collect();
    // Clients need two other API servers while one is away.
    let aside = options.step_aside && every.len() > 2;
    let drafts = [
        backup(&every),
        Draft {
            name: "root-cause",
            title: "What kubeadm will write",
            why: "every node's kubeadm reads only the ConfigMaps, so they are repaired before the first kubeadm runs",
            parallel: 1,
            lanes: vec![(None, root_cause(shared, also))],
        },
        pre_stage(chosen, &open, options, shared, also),
        images(&also.bcm, shared),
        control_plane(&servers, shared, also, aside),
        addons(&servers, shared, also),
        Draft {
            name: "kubelets",
            title: "Control plane, kubelets",
            why: "a kubelet may not be newer than an API server, so all API servers come first",
            parallel: 1,
            lanes: lanes_of(&kubelets, |n| server_kubelet(n, shared, also, aside)),
        },
        Draft {
            name: "at-target",
            title: "Nodes that are at the target already",
            why: "what is done is verified, and not done again",
            parallel: ready.len().max(1) as u32,
            lanes: ready.iter().map(|n| (Some(n.name.clone()), verified(n, shared, also))).collect(),
        },
        Draft {
            name: "to-come",
            title: "Workers to come, marked",
            why: "evicted pods prefer nodes that are over, so that they are not evicted again",
            parallel: MARKED_AT_ONCE.min(tainted.len() as u32).max(1),
            lanes: lanes(&tainted, &[SoftTaint {}.into()]),
        },
        Draft {
            name: CANARY,
            title: "Workers, the first",
            why: "what goes wrong on workers goes wrong on the first ones, before it can reach the others",
            parallel: first.len().max(1) as u32,
            lanes: lanes_of(&first, |n| soaking(n, shared, options, also, !tainted.is_empty())),
        },
        Draft {
            name: WORKERS,
            title: "Workers",
            why: "at most this many workers may be unavailable at once",
            parallel: options.max_unavailable.max(1),
            lanes: lanes_of(&others, |n| soaking(n, shared, options, also, !tainted.is_empty())),
        },
        Draft {
            name: "verify",
            title: "Nodes, verified",
            why: "each node is verified as it comes, because in a large fleet there is no moment at which all are Ready",
            parallel: chosen.nodes.len().max(1) as u32,
            lanes: lanes(&chosen.nodes.iter().collect::<Vec<_>>(), &[VerifyNode::to(shared.to).into()]),
        },
        books(&also.bcm),
        Draft {
            name: "after",
            title: "After",
            why: "the run has succeeded only if the whole fleet is seen to be as it was, at the new version",
            parallel: 1,
            lanes: vec![(None, after(shared, also))],
        },
        validation(),
    ];
    let mut phases =
        number(drafts.into_iter().filter(|d| d.lanes.iter().any(|(_, steps)| !steps.is_empty())));
    let jobs = foreseen.map(|foreseen| foreseen.put_into(&mut phases)).unwrap_or_default();
    (phases, jobs)
}

/// What went during the run is repaired before it is compared.
fn after(shared: &Shared, also: &Also) -> Vec<StepKind> {
    let verified = [VerifyFleet::to(shared.to).into(), CompareFleet::to(shared.to).into()];
    also.mends.iter().cloned().chain(verified).collect()
}

/// Nodes that are marked at the same time.
const MARKED_AT_ONCE: u32 = 64;

/// Whether the workers are marked: a single one has no other to which its pods could prefer to go.
fn also_tainted(options: &PlanOptions, workers: &[&NodeEntry]) -> bool {
    options.soft_taint && workers.len() > 1
}

/// The first workers and the others, each in their order: by what they cost, or by name.
fn in_order<'a>(
    workers: &[&'a NodeEntry],
    foreseen: Option<&Foreseen>,
    options: &PlanOptions,
) -> (Vec<&'a NodeEntry>, Vec<&'a NodeEntry>) {
    let Some(foreseen) = foreseen else {
        let (first, others) = workers.split_at((options.canary as usize).min(workers.len()));
        return (first.to_vec(), others.to_vec());
    };
    let by_name: BTreeMap<&NodeName, &NodeEntry> = workers.iter().map(|n| (&n.name, *n)).collect();
    let of = |names: &[NodeName]| names.iter().filter_map(|name| by_name.get(name).copied()).collect();
    (of(&foreseen.first), of(&foreseen.others))
}

/// Whether the node needs no work that disrupts it: its kubelet runs at the target, and the packages are of that version, in whatever
/// revision. A hold that is missing is set again.
fn is_done(node: &NodeEntry, shared: &Shared) -> bool {
    let Some(facts) = &node.facts else { return false };
    let server = facts.manifests.iter().all(|m| m.version == Some(shared.to));
    let kubelet = node.view.kubelet == Some(shared.to) && facts.kubelet == Some(shared.to);
    kubelet
        && server
        && present(node).values().all(|v| v.kube == shared.to)
        && present(node).len() == PACKAGES.len()
}

/// Whether kubeadm has nothing left to do for the node's control plane: manifests, package and kubeadm-config are at the target.
fn is_raised(node: &NodeEntry, shared: &Shared, also: &Also) -> bool {
    let Some(facts) = &node.facts else { return false };
    let whole = facts.manifests.len() >= Component::ALL.len();
    let manifests = facts.manifests.iter().all(|m| m.version == Some(shared.to));
    let kubeadm = present(node).get(&Kubeadm).is_some_and(|v| v.kube == shared.to);
    also.config_at_target && whole && manifests && kubeadm
}

const PACKAGES: [Package; 3] = [Kubeadm, Kubelet, Kubectl];

/// The packages of a node with their versions.
fn present(node: &NodeEntry) -> BTreeMap<Package, PackageVersion> {
    let of = |p: &Package| Some((*p, node.facts.as_ref()?.packages.get(p.name())?.version.clone()?));
    PACKAGES.iter().filter_map(of).collect()
}

/// Steps that look and hold, on a node that is done. A cordon that an ended run has left is taken over, and given back when the node is whole.
fn verified(node: &NodeEntry, shared: &Shared, also: &Also) -> Vec<StepKind> {
    let left = node.view.unschedulable && node.view.cordon_owner().is_some_and(|owner| owner.over);
    let mut steps: Vec<StepKind> = vec![];
    steps.extend(left.then(|| Cordon {}.into()));
    steps.extend([Packages::held(&PACKAGES, &present(node)).into(), NodeReady::at(shared.to).into()]);
    // Its packages came without the image, so the next sync would take them away.
    steps.extend(assign(&also.bcm, &node.name));
    if left || also.unfinished.contains(&node.name) {
        steps.push(DevicesBack {}.into());
    }
    if left {
        steps.extend([Uncordon {}.into(), ImageRelease {}.into()]);
    }
    steps
}

fn lanes_of(
    nodes: &[&NodeEntry],
    steps: impl Fn(&NodeEntry) -> Vec<StepKind>,
) -> Vec<(Option<NodeName>, Vec<StepKind>)> {
    nodes.iter().map(|n| (Some(n.name.clone()), steps(n))).collect()
}

fn lanes(nodes: &[&NodeEntry], steps: &[StepKind]) -> Vec<(Option<NodeName>, Vec<StepKind>)> {
    nodes.iter().map(|n| (Some(n.name.clone()), steps.to_vec())).collect()
}

fn root_cause(shared: &Shared, also: &Also) -> Vec<StepKind> {
    let kubelet: Option<StepKind> = also.kubelet_config.then(|| RepairKubelet {}.into());
    let learns = also.bcm.plan.as_ref().is_some_and(|bcm| bcm.learn_config);
    let learn: Option<StepKind> = learns.then(|| LearnConfig {}.into());
    std::iter::once(RepairConfig::to(shared.to).into()).chain(learn).chain(kubelet).collect()
}

fn pre_stage(
    chosen: &Inventory,
    open: &impl Fn(&&NodeEntry) -> bool,
    options: &PlanOptions,
    shared: &Shared,
    also: &Also,
) -> Draft {
    let steps = |node: &NodeEntry| {
        let packages = Download::of(&[Kubeadm, Kubelet, Kubectl], &shared.packages);
        let mut steps: Vec<StepKind> = vec![];
        if open(&node) {
            steps.extend([AptSource::to(shared.to).into(), AptUpdate {}.into(), packages.into()]);
            steps.push(ImagePull::to(shared.to).into());
        }
        if also.patched.contains(&node.name) {
            steps.push(KubeadmPatches {}.into());
        }
        if node.role == NodeRole::Worker && !steps.is_empty() {
            steps.insert(0, NodeReachable::for_staging().into());
        }
        steps
    };
    let lanes = chosen.nodes.iter().map(|n| (Some(n.name.clone()), steps(n)));
    let lanes: Vec<_> = lanes.filter(|(_, steps)| !steps.is_empty()).collect();
    Draft {
        name: "pre-stage",
        title: "Packages and images on all nodes",
        why: "whatever can be missing is found missing before anything is disrupted",
        // All nodes fetch from one mirror.
        parallel: (lanes.len() as u32).min(options.fetch_parallel).max(1),
        lanes,
    }
}

fn control_plane(servers: &[&NodeEntry], shared: &Shared, also: &Also, aside: bool) -> Draft {
    let to = shared.to;
    let steps = |first: bool| {
        let upgrade: StepKind = match first {
            true => KubeadmApply::to(to, shared.ignore.clone()).into(),
            false => KubeadmNode::to(to).into(),
        };
        let mut steps: Vec<StepKind> = vec![
            EtcdReady {}.into(),
            GuardArm {}.into(),
            Packages::of(&[Kubeadm], &shared.packages).into(),
            FlagDiff::to(to).into(),
        ];
        steps.extend(aside.then(|| StepAside {}.into()));
        steps.extend([upgrade, VerifyApi::at(to).into()]);
        steps.extend(aside.then(|| StepBack {}.into()));
        steps.push(GuardDisarm {}.into());
        steps
    };
    let seen = || -> Vec<StepKind> { vec![FlagDiff::to(to).into(), VerifyApi::at(to).into()] };
    let lane = |i: usize, n: &NodeEntry| if is_raised(n, shared, also) { seen() } else { steps(i == 0) };
    let lanes = servers.iter().enumerate().map(|(i, n)| (Some(n.name.clone()), lane(i, n))).collect();
    Draft {
        name: "control-plane",
        title: "Control plane, API servers",
        why: "one node at a time, so that the other API servers and the etcd majority stay",
        parallel: 1,
        lanes,
    }
}

fn addons(servers: &[&NodeEntry], shared: &Shared, also: &Also) -> Draft {
    let needed = !servers.is_empty() && !also.whole_apply;
    // A lane of the cluster, so that it hangs on no single node.
    let steps = || (None, vec![Addons::to(shared.to, shared.addons.clone()).into()]);
    let lanes = needed.then(steps).into_iter().collect();
    let why = "addons roll over the whole fleet, so they change once, after the last API server";
    Draft { name: "addons", title: "Addons", why, parallel: 1, lanes }
}

fn server_kubelet(node: &NodeEntry, shared: &Shared, also: &Also, aside: bool) -> Vec<StepKind> {
    let config: Option<StepKind> = (!also.whole_apply).then(|| KubeletConfig {}.into());
    let mut steps: Vec<StepKind> = vec![
        NodeReachable::for_server().into(),
        Cordon {}.into(),
        Drain {}.into(),
        // The restart ends the static pods of this node once more, a stacked etcd member among them.
        EtcdReady {}.into(),
    ];
    // A reboot since the first pass has brought the kubeadm of the old image back.
    let imaged = image_of(&also.bcm, &node.name).is_some();
    steps.extend(imaged.then(|| Packages::of(&[Kubeadm], &shared.packages).into()));
    steps.push(Packages::of(&[Kubelet, Kubectl], &shared.packages).into());
    steps.extend(config);
    steps.extend(aside.then(|| StepAside {}.into()));
    steps.extend([KubeletRestart::to(shared.to).into(), NodeReady::at(shared.to).into()]);
    steps.push(VerifyApi::at(shared.to).into());
    steps.extend(aside.then(|| StepBack {}.into()));
    steps.extend(assign(&also.bcm, &node.name));
    steps.extend([DevicesBack {}.into(), Uncordon {}.into(), ImageRelease {}.into()]);
    steps
}

/// A worker gets its packages from apt on its own disk, or from the software image that BCM writes to it.
fn worker(
    node: &NodeEntry,
    shared: &Shared,
    options: &PlanOptions,
    also: &Also,
    tainted: bool,
) -> Vec<StepKind> {
    let imaged = image_of(&also.bcm, &node.name);
    let before = imaged.is_some() && options.image_order == ImageOrder::Runbook;
    let packages = packages(imaged, shared);
    let mut steps: Vec<StepKind> = vec![NodeReachable::for_work().into()];
    steps.extend(packages.iter().filter(|_| before).cloned());
    steps.push(Cordon {}.into());
    let warned = options.interactive_warning_seconds;
    steps.extend((warned > 0).then(|| Warn::of(warned).into()));
    steps.extend(options.checkpoints.then(|| Checkpoint {}.into()));
    steps.push(Drain {}.into());
    steps.extend(packages.into_iter().filter(|_| !before));
    steps.extend([
        KubeletRestart::to(shared.to).into(),
        NodeReady::at(shared.to).into(),
        DevicesBack {}.into(),
    ]);
    steps.extend(tainted.then(|| SoftUntaint {}.into()));
    steps.extend([Uncordon {}.into(), ImageRelease {}.into()]);
    steps
}

/// The packages of a worker, and what its kubeadm does.
fn packages(image: Option<&ImageName>, shared: &Shared) -> Vec<StepKind> {
    let kubeadm: StepKind = KubeadmNode::to(shared.to).into();
    let Some(image) = image else {
        let first = Packages::of(&[Kubeadm], &shared.packages).into();
        return vec![first, kubeadm, Packages::of(&[Kubelet, Kubectl], &shared.packages).into()];
    };
    let mut steps = sync(image, shared).to_vec();
    steps.push(Packages::of_image(&[Kubeadm], &shared.packages).into());
    steps.push(Packages::of_image(&[Kubelet, Kubectl], &shared.packages).into());
    steps.push(kubeadm);
    steps
}

/// The first workers also have to stay Ready with work on them, if the configuration requires it. The others have the step as well, because
/// one of them takes the place of a first worker that is left out or fails.
fn soaking(
    node: &NodeEntry,
    shared: &Shared,
    options: &PlanOptions,
    also: &Also,
    tainted: bool,
) -> Vec<StepKind> {
    let seconds = if options.canary > 0 { options.canary_soak_seconds } else { 0 };
    let soak: Option<StepKind> = (seconds > 0).then(|| Soak::of(seconds).into());
    worker(node, shared, options, also, tainted).into_iter().chain(soak).collect()
}
