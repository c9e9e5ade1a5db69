//! Patches of a node in memory.

use super::*;
use crate::ledger::Accepted;
use crate::ops::implementation;
use crate::testing::{BOOT, Bench, LIVE_SCHEDULER, exited};
use podlift_model::op::Component;
use podlift_model::{Epoch, HostOp, OpId};
use std::sync::Arc;

const GOOD: &str = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: kube-scheduler\n  namespace: kube-system\nspec:\n  containers:\n  - name: kube-scheduler\n    env:\n    - name: NO_PROXY\n      value: 10.0.0.0/8\n";
const KUBELET: &str = "maxPods: 250\nevictionHard:\n  memory.available: 1Gi\n";
/// A further line of a setting in the live file that the patch lacks.
const MORE: &str = "  nodefs.available: 10%\n";

fn bench() -> Bench {
    let bench = Bench::new(|_| exited(1, "")).control_plane();
    let env = "    env:\n    - name: NO_PROXY\n      value: 10.0.0.0/8\n    image: ";
    bench.files.put(
        paths::manifest(Component::KubeScheduler),
        LIVE_SCHEDULER.replacen("    image: ", env, 1).as_bytes(),
    );
    bench.files.put(
        paths::KUBELET_CONFIG,
        format!("kind: KubeletConfiguration\n{KUBELET}{MORE}mode: 0x10\ncgroupDriver: systemd\n").as_bytes(),
    );
    bench
}

async fn applied(node: &Arc<Node>, op: HostOp) -> Result<Applied, Failure> {
    let epoch = Epoch { number: 1, instance: "a".parse().unwrap() };
    let (at, since_boot) = (node.host.clock.now(), node.host.clock.since_boot());
    let accepted = Accepted { op: op.clone(), epoch, boot: BOOT.parse().unwrap(), at, since_boot };
    let op_id = OpId::new("op-1").unwrap();
    let cx = Cx { node, op_id: &op_id, accepted: &accepted };
    let op = implementation(&op);
    match op.observe(&cx).await? {
        Some(output) => Ok(Applied::Done(output)),
        None => op.apply(&cx).await,
    }
}

async fn act(node: &Arc<Node>, files: &[(PatchName, &str)]) -> Result<OpOutput, Failure> {
    let files = files.iter().map(|(name, text)| PatchText { name: *name, text: (*text).into() }).collect();
    match applied(node, HostOp::KubeadmPatches { files }).await? {
        Applied::Done(output) => Ok(output),
        Applied::Unit(spec) => panic!("{spec:?}"),
    }
}

/// Whether kubeadm is called with the directory.
async fn given(node: &Arc<Node>, op: HostOp) -> bool {
    match applied(node, op).await {
        Ok(Applied::Unit(spec)) => spec.args.contains(&format!("--patches={}", paths::PATCHES)),
        Ok(Applied::Done(output)) => panic!("{output:?}"),
        Err(failure) => panic!("{failure:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn every_upgrade_of_kubeadm_is_given_the_directory_and_only_where_there_is_one() {
    let bench = bench();
    let node = bench.node();
    let ops = || {
        let apply = HostOp::KubeadmApply {
            ignore: vec![],
            to: "v1.32.13".parse().unwrap(),
            skip: vec![],
            whole: false,
        };
        [apply, HostOp::KubeadmNode { skip: vec![], whole: false }, HostOp::KubeletConfig]
    };
    for op in ops() {
        assert!(!given(&node, op.clone()).await, "{op:?}");
    }
    act(&node, &[(PatchName::Kubelet, KUBELET)]).await.unwrap();
    for op in ops() {
        assert!(given(&node, op.clone()).await, "{op:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_node_has_is_kept_and_given_to_kubeadm() {
    let bench = bench();
    let node = bench.node();
    assert_eq!(directory(&node), None);
    let both = [(PatchName::KubeScheduler, GOOD), (PatchName::Kubelet, KUBELET)];
    assert!(matches!(act(&node, &both).await, Ok(OpOutput::Changed(_))));
    assert!(matches!(act(&node, &both).await, Ok(OpOutput::Unchanged(_))));
    assert_eq!(bench.files.text("/var/lib/podlift/patches/kube-scheduler0+strategic.yaml"), GOOD);
    assert_eq!(present(&node)[&PatchName::Kubelet], Digest::of(KUBELET));
    assert_eq!(directory(&node), Some("/var/lib/podlift/patches"));
    // The op replaces the whole directory: files that it does not name are removed, also unknown ones.
    bench.files.put("/var/lib/podlift/patches/etcd.yaml", b"x");
    assert!(matches!(act(&node, &both[1..]).await, Ok(OpOutput::Changed(_))));
    assert_eq!(names(bench.files.as_ref()), ["kubeletconfiguration0+merge.yaml"]);
    act(&node, &[]).await.unwrap();
    assert_eq!((names(bench.files.as_ref()).len(), directory(&node)), (0, None));
}

#[tokio::test(start_paused = true)]
async fn nothing_new_is_brought_by_a_patch() {
    let bench = bench();
    let node = bench.node();
    let scheduler = [
        GOOD.replace("10.0.0.0/8", "0.0.0.0/0"),
        GOOD.replace("NO_PROXY", "LD_PRELOAD"),
        GOOD.replace("  - name: kube-scheduler", "  - image: evil\n    name: kube-scheduler"),
        GOOD.replace("spec:\n", "spec:\n  hostPID: true\n"),
        GOOD.replace("kind: Pod", "kind: Other"),
        format!("{GOOD}  - name: other\n    env: []\n"),
        GOOD.replace("      value: 10.0.0.0/8\n", "      value: 10.0.0.0/8\n      valueFrom: {}\n"),
        format!("{GOOD}---\nspec:\n  hostPID: true\n"),
        format!("{GOOD}---\n{GOOD}"),
        format!("{GOOD}... # end\n---\na: 1\n"),
        format!("{GOOD}--- {{a: 1}}\n"),
        format!("{GOOD}spec: {{hostPID: true}}\n"),
        "a: [".into(),
        "null".into(),
    ];
    for text in &scheduler {
        let files = [(PatchName::Kubelet, KUBELET), (PatchName::KubeScheduler, text.as_str())];
        assert_eq!(act(&node, &files).await.unwrap_err().code, "patch-not-from-here", "{text}");
    }
    for text in [
        "maxPods: 251",
        "staticPodPath: /tmp",
        "evictionHard: {memory.available: 2Gi}",
        "evictionHard: {nodefs.available: null}",
        "evictionHard: {new: 1}",
        "maxPods: null",
        "maxPods: '250'",
        "maxPods: 250\nmaxPods: 251",
        "maxPods: 250\n---\nmaxPods: 251",
        "---\nmaxPods: 250\n---\nmaxPods: 250",
        "mode: '0x10'",
        "- 1",
        "a: [",
    ] {
        let refused = act(&node, &[(PatchName::Kubelet, text)]).await.unwrap_err();
        assert_eq!(refused.code, "patch-not-from-here", "{text}");
    }
    assert_eq!(names(bench.files.as_ref()), [""; 0], "one bad patch, and none is placed");
}

/// The node's files as the kubelet reads them, and a patch as kubeadm does.
#[tokio::test(start_paused = true)]
async fn doubled_keys_markers_and_second_documents() {
    let kubelet = "maxPods: 100\nmaxPods: 250\nevictionHard: {memory.available: 1Gi}\n";
    let live = [
        kubelet.to_string(),
        format!("---\n{kubelet}---\n"),
        format!("{kubelet}---\nmaxPods: 1\n"),
        format!("{kubelet}---\nbroken: [\n"),
    ];
    let patches = [
        KUBELET.to_string(),
        format!("---\n{KUBELET}"),
        format!("# by podlift\n---\n{KUBELET}---\n"),
        format!("{KUBELET}\n...\n"),
        format!("maxPods: 100\n{KUBELET}"),
    ];
    for live in &live {
        for patch in &patches {
            let bench = bench();
            bench.files.put(paths::KUBELET_CONFIG, live.as_bytes());
            let kept = act(&bench.node(), &[(PatchName::Kubelet, patch)]).await;
            assert!(matches!(kept, Ok(OpOutput::Changed(_))), "{live:?} {patch:?}: {kept:?}");
        }
        let bench = bench();
        bench.files.put(paths::KUBELET_CONFIG, live.as_bytes());
        let old = act(&bench.node(), &[(PatchName::Kubelet, "maxPods: 100")]).await.unwrap_err();
        assert!(old.message.contains("maxPods is not what the live file says"), "{live:?}: {}", old.message);
    }
}

/// The live manifest has its container twice, or a second document behind it.
#[tokio::test(start_paused = true)]
async fn a_manifest_is_read_as_the_kubelet_reads_it() {
    let scheduler = paths::manifest(Component::KubeScheduler);
    let live = bench().files.text(&scheduler);
    for text in [format!("{live}---\n"), format!("{live}---\nbroken: [\n"), format!("spec: {{}}\n{live}")] {
        let bench = bench();
        bench.files.put(&scheduler, text.as_bytes());
        let kept = act(&bench.node(), &[(PatchName::KubeScheduler, GOOD)]).await;
        assert!(matches!(kept, Ok(OpOutput::Changed(_))), "{text:?}: {kept:?}");
    }
    let bench = bench();
    bench.files.put(&scheduler, format!("{live}spec: {{}}\n").as_bytes());
    let refused = act(&bench.node(), &[(PatchName::KubeScheduler, GOOD)]).await.unwrap_err();
    assert!(refused.message.contains("no environment NO_PROXY"), "{}", refused.message);
}
