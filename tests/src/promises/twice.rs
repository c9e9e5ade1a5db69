//! Every mutating op of a worker and of a control-plane node, each sent twice under its op id, and a third time after the agent was
//! killed: one effect, one outcome.

use crate::direct::{Direct, epoch};
use crate::sabotage::Sabotage;
use crate::{Kept, ensure};
use podlift_lab::{HEAD_NODE, Shape, World};
use podlift_model::bcm::{BcmOp, CategoryName, ImageName};
use podlift_model::op::{Addon, Component, Package, PackagePin, PatchName, PatchText, SkipPhase};
use podlift_model::{Digest, HostOp, KubeVersion, NodeName, OpOutcome, PodRef, RunId};
use serde_json::json;
use std::collections::BTreeSet;

fn pins(packages: &[Package]) -> Vec<PackagePin> {
    let version = "1.32.9-1.1".parse().unwrap_or_else(|e| panic!("{e}"));
    packages.iter().map(|p| PackagePin { package: *p, version: Clone::clone(&version) }).collect()
}

const SERVER: Component = Component::KubeApiserver;
const SCHEDULER: Component = Component::KubeScheduler;
/// A setting that every kubelet of the World has.
const KEPT: &str = "staticPodPath: /etc/kubernetes/manifests\n";

fn manifest(world: &World, node: &str, component: Component) -> Digest {
    Digest::of(world.disk(node).text(&format!("/etc/kubernetes/manifests/{}", component.file())))
}

/// A pod that has ended before its hook could run.
fn gone_pod() -> PodRef {
    let pod = json!({"namespace": "runai", "name": "train-0", "uid": "11111111-1111-4111-8111-111111111111"});
    serde_json::from_value(pod).unwrap_or_else(|e| panic!("{e}"))
}

fn ops(world: &World, node: &str, control_plane: bool) -> Vec<HostOp> {
    let to = KubeVersion::new(1, 32, 9);
    let run = RunId::new("r1").unwrap_or_else(|e| panic!("{e}"));
    let all = [Package::Kubeadm, Package::Kubelet, Package::Kubectl];
    let skip = vec![SkipPhase::Addon, SkipPhase::KubeletConfig];
    let mut ops = vec![
        HostOp::AptSource { minor: to.minor() },
        HostOp::AptUpdate,
        HostOp::PackageDownload { packages: pins(&all) },
        HostOp::PackageInstall { packages: pins(&all[..1]), repair: false, devices: None },
    ];
    if control_plane {
        ops.extend([
            HostOp::ManifestBackup { run: run.clone() },
            HostOp::ManifestRestore { component: SCHEDULER, sha256: manifest(world, node, SCHEDULER) },
            HostOp::HealAccept { component: SERVER, sha256: manifest(world, node, SERVER) },
            HostOp::HealApply { component: SCHEDULER },
            HostOp::KubeadmPatches { files: vec![PatchText { name: PatchName::Kubelet, text: KEPT.into() }] },
            HostOp::EtcdSnapshot { run: run.clone() },
            HostOp::ImagePull { to },
            HostOp::ImageRelease,
            HostOp::EtcdMoveLeader,
            HostOp::GuardArm { allow: vec![], run: run.clone(), seconds: 3600 },
            HostOp::StepAside { seconds: 600, reason: "the suite restarts the API server".into() },
            HostOp::StepBack,
            HostOp::KubeadmApply { ignore: vec![], to, skip, whole: false },
            HostOp::GuardDisarm { run },
            HostOp::KubeadmAddons { to, addons: Addon::ALL.to_vec() },
            HostOp::KubeletConfig,
        ]);
    } else {
        ops.push(HostOp::Checkpoint { pods: vec![gone_pod()], seconds: 60 });
        ops.push(HostOp::KubeadmNode { skip: vec![], whole: false });
    }
    ops.extend([
        HostOp::PackageInstall { packages: pins(&all[1..]), repair: false, devices: None },
        HostOp::KubeletRestart { devices: None },
    ]);
    ops
}

/// What the head node's agent makes of an image, of a worker, and of BCM's books; and a second clone that goes away again.
fn of_head(world: &World) -> Vec<HostOp> {
    let image = |text: &str| ImageName::new(text).unwrap_or_else(|e| panic!("{e}"));
    let worker = |name: &str| NodeName::new(name).unwrap_or_else(|e| panic!("{e}"));
    let (from, new, second) =
        (image("dgx-image"), || image("dgx-image-k8s-1.32.9"), || image("dgx-image-second"));
    let node = || worker("dgx030");
    let all = [Package::Kubeadm, Package::Kubelet, Package::Kubectl];
    let workers = world.shape.workers.iter().map(|name| worker(name)).collect();
    let category = CategoryName::new("dgx-h100").unwrap_or_else(|e| panic!("{e}"));
    let version = pins(&all).remove(0).version;
    let ops = vec![
        BcmOp::ImageClone { from: from.clone(), image: new() },
        BcmOp::ImageLock { image: new() },
        BcmOp::ImageSource { image: new(), minor: version.kube.minor() },
        BcmOp::ImagePackages { image: new(), packages: pins(&all) },
        BcmOp::Provisioners { image: new() },
        BcmOp::ImageUnlock { image: new() },
        BcmOp::AssignImage { node: node(), image: new() },
        BcmOp::SyncDryRun { node: node(), image: new() },
        BcmOp::Sync { node: node(), image: new() },
        BcmOp::AssignImage { node: worker("dgx031"), image: new() },
        BcmOp::FollowCategory { node: worker("dgx031") },
        BcmOp::CategoryImage { category, image: new(), nodes: workers },
        BcmOp::ClusterVersion { version },
        BcmOp::LearnKubeadmConfig,
        BcmOp::ImageClone { from, image: second() },
        BcmOp::ImageRemove { image: second() },
    ];
    let check = HostOp::SiteCheck { name: CHECK.parse().unwrap_or_else(|e| panic!("{e}")) };
    ops.into_iter().map(HostOp::Bcm).chain([check]).collect()
}

/// A check of the site on the head node.
const CHECK: &str = "healthcheck_storage.py";

fn put_check(world: &World) {
    let settings = "interpreter = \"/usr/bin/python3\"\n";
    for (path, text, mode) in [
        (format!("/etc/podlift/checks.d/{CHECK}"), "print(\"storage works\")\n", 0o755),
        (format!("/etc/podlift/checks.d/{CHECK}.toml"), settings, 0o644),
        ("/usr/bin/python3".into(), "#!/bin/true\n", 0o755),
    ] {
        world.disk(HEAD_NODE).put_text(&path, text, mode).unwrap_or_else(|e| panic!("{path}: {e}"));
    }
}

/// Machines with the ops that each gets.
type Ops = fn(&World) -> Vec<HostOp>;
const MACHINES: [(&str, Ops); 3] = [
    ("runai-01", |world| ops(world, "runai-01", true)),
    ("dgx030", |world| ops(world, "dgx030", false)),
    (HEAD_NODE, of_head),
];

pub async fn an_op_is_done_once_however_often_it_is_sent(sabotage: Sabotage) -> Kept {
    let mut sent: BTreeSet<&str> = BTreeSet::new();
    for (node, ops) in MACHINES {
        // Endpoints in kubeadm-config, so that apply succeeds without a heal.
        let images = node == HEAD_NODE;
        let world = World::new(Shape { empty_endpoints: false, images, ..Shape::default() });
        world.start();
        if images {
            put_check(&world);
        }
        let mine = epoch(1, "a");
        let mut agent = Direct::start(&world, node, sabotage).await;
        ensure(agent.claim(&mine).await, || "the first epoch was refused".into())?;
        for (i, op) in ops(&world).iter().enumerate() {
            let id = format!("r1-s{i:04}-a1");
            sent.insert(op.verb());
            let first =
                agent.run(&id, &mine, op).await.map_err(|f| format!("{} was refused: {f}", op.verb()))?;
            ensure(matches!(first, OpOutcome::Done { .. }), || format!("{}: {first:?}", op.verb()))?;
            let effects = world.effects().len();
            let again =
                agent.run(&id, &mine, op).await.map_err(|f| format!("{} the second time: {f}", op.verb()))?;
            ensure(again == first, || format!("{}: {first:?} and then {again:?}", op.verb()))?;
            drop(agent);
            agent = Direct::start(&world, node, sabotage).await;
            let third =
                agent.run(&id, &mine, op).await.map_err(|f| format!("{} after a restart: {f}", op.verb()))?;
            ensure(third == first, || format!("{}: {first:?}, after a restart {third:?}", op.verb()))?;
            let own = |e: &podlift_lab::Effect| e.op.as_deref().is_some_and(|o| o.contains(&id));
            let more: Vec<_> = world.effects()[effects..].iter().filter(|e| own(e)).cloned().collect();
            ensure(more.is_empty(), || format!("{} had an effect again: {more:?}", op.verb()))?;
        }
    }
    let never = HostOp::samples().into_iter().find(|op| !sent.contains(op.verb()));
    ensure(never.is_none(), || format!("{never:?} is sent by no test"))
}
