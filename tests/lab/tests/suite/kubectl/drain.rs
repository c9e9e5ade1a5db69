//! cordon, drain, uncordon, as the runbook has them typed.

use super::run::{Kubectl, rows, shape};
use podlift_lab::What;

const DRAIN: &str = "drain dgx030 --ignore-daemonsets --delete-emptydir-data";

const SCRATCH: &str = r#"{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "scratch", "namespace": "runai"}, "spec": {"nodeName": "dgx030",
    "terminationGracePeriodSeconds": 1, "volumes": [{"name": "e", "emptyDir": {}}],
    "containers": [{"name": "c", "image": "registry.k8s.io/pause:3.10", "volumeMounts": [{"name": "e", "mountPath": "/e"}]}]}}"#;

async fn status(k: &Kubectl) -> String {
    let out = k.ok("get node dgx030 --no-headers").await;
    rows(&out)[0][1].to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn cordon_and_uncordon() {
    let k = Kubectl::new(shape()).await;
    assert_eq!(k.ok("cordon dgx030 --dry-run=server").await, "node/dgx030 cordoned (server dry run)\n");
    assert_eq!(status(&k).await, "Ready");
    assert_eq!(k.ok("cordon dgx030").await, "node/dgx030 cordoned\n");
    assert_eq!(status(&k).await, "Ready,SchedulingDisabled");
    assert_eq!(k.ok("cordon dgx030").await, "node/dgx030 already cordoned\n");
    k.world
        .until(|s| {
            s.api
                .of("", "nodes")
                .any(|(_, v)| v["spec"]["taints"][0]["key"] == "node.kubernetes.io/unschedulable")
        })
        .await;
    assert_eq!(k.ok("uncordon dgx030").await, "node/dgx030 uncordoned\n");
    assert_eq!(status(&k).await, "Ready");
    let cordons = k
        .world
        .effects()
        .iter()
        .filter(|e| matches!(e.what, What::Cordon { .. } | What::Uncordon { .. }))
        .count();
    assert_eq!(cordons, 2, "a dry run is no effect");
}

#[tokio::test(flavor = "multi_thread")]
async fn drain_names_what_forbids_it() {
    let k = Kubectl::new(shape()).await;
    k.ok(&format!("create -f {}", k.file("scratch.json", SCRATCH))).await;
    let bare = SCRATCH
        .replace("scratch", "bare")
        .replace(r#"{"name": "e", "emptyDir": {}}"#, "")
        .replace(r#"{"name": "e", "mountPath": "/e"}"#, "");
    k.ok(&format!("create -f {}", k.file("bare.json", &bare))).await;
    let ran = k.run("drain dgx030").await;
    assert_eq!(ran.code, 1);
    for part in [
        "cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore)",
        "cannot delete Pods with local storage (use --delete-emptydir-data to override): runai/scratch",
        "cannot delete Pods that declare no controller (use --force to override): runai/bare",
    ] {
        assert!(ran.err.contains(part), "{part}: {}", ran.err);
    }
    assert_eq!(status(&k).await, "Ready,SchedulingDisabled", "the cordon stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn drain_waits_for_a_budget_and_then_goes_on() {
    let k = Kubectl::new(shape()).await;
    k.ok(&format!("create -f {}", k.file("scratch.json", SCRATCH))).await;
    k.world
        .until(|s| s.api.pods().any(|(p, v)| p.name == "scratch" && v["status"]["phase"] == "Running"))
        .await;
    let ran = k.run(&format!("{DRAIN} --force --dry-run=client")).await;
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("node/dgx030 drained (dry run)"), "{}", ran.out);
    assert_eq!(k.ok("get pods -n runai -o name").await.lines().count(), 3, "nothing was evicted");
    let ran = k.run(&format!("{DRAIN} --force --timeout=4s")).await;
    assert_eq!(ran.code, 1);
    assert!(
        ran.err.contains("Cannot evict pod as it would violate the pod's disruption budget."),
        "{}",
        ran.err
    );
    assert!(ran.out.contains("pod/scratch evicted"), "the others go: {}", ran.out);
    k.ok("patch pdb inference -n runai --type merge -p {\"spec\":{\"minAvailable\":1}}").await;
    let ran = k.run(&format!("{DRAIN} --dry-run=server")).await;
    assert!(
        ran.code == 0 && ran.out.contains("node/dgx030 drained (server dry run)"),
        "{}{}",
        ran.out,
        ran.err
    );
    let ran = k.run(DRAIN).await;
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.ends_with("node/dgx030 drained\n"), "{}", ran.out);
    let left = k.ok("get pods -A --field-selector spec.nodeName=dgx030 -o name").await;
    assert_eq!(left, "pod/nvidia-device-plugin-daemonset-dgx030\npod/kube-proxy-dgx030\n");
    k.world
        .until(|s| {
            let ready =
                s.api.pods().filter(|(p, v)| p.namespace == "runai" && v["status"]["phase"] == "Running");
            ready.filter(|(_, v)| v["spec"]["nodeName"] == "dgx031").count() == 2
        })
        .await;
    assert_eq!(k.ok("uncordon dgx030").await, "node/dgx030 uncordoned\n");
}
