//! A recorded diff, and diffs of manifests that people changed.

use super::*;
use podlift_host::testing::{Fakes, LIVE_API, said};

const RECORDED: &str = include_str!("../../../../../tests/fixtures/transcripts/kubeadm-plan-diff.txt");

macro_rules! case {
    ($file:literal) => {
        include_str!(concat!("../../../../../tests/fixtures/cases/", $file))
    };
}

const API: &str = "/etc/kubernetes/manifests/kube-apiserver.yaml";

async fn asked(diff: &str, manifest: Option<(&str, &str)>) -> Result<Vec<FlagChange>, Failure> {
    let said_by_kubeadm = diff.to_string();
    let fakes = Fakes::new(move |_| said(&said_by_kubeadm)).control_plane();
    if let Some((path, text)) = manifest {
        fakes.files.put(path, text.as_bytes());
    }
    diff_of(&fakes).await
}

async fn diff_of(fakes: &Fakes) -> Result<Vec<FlagChange>, Failure> {
    super::diff(&fakes.host, Binary::Installed, "v1.32.13".parse().unwrap()).await
}

/// A diff of one hunk at the line where `from` begins.
fn swapped(path: &str, live: &str, from: &str, to: &str) -> String {
    let line = live[..live.find(from).unwrap()].lines().count() + 1;
    let signed = |text: &str, sign: char| text.lines().map(|l| format!("{sign}{l}\n")).collect::<String>();
    format!(
        "--- {path}\n+++ new manifest\n@@ -{line},{} +{line},{} @@\n{}{}",
        from.lines().count(),
        to.lines().count(),
        signed(from, '-'),
        signed(to, '+')
    )
}

fn shown(changes: &[FlagChange]) -> Vec<String> {
    changes.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn the_recorded_diff_loses_etcd_and_moves_a_gate() {
    let (_, diff) = RECORDED.split_once("$ kubeadm upgrade diff v1.32.13\n").unwrap();
    let changes = asked(diff, None).await.unwrap();
    let [change] = changes.as_slice() else { panic!("{changes:?}") };
    assert_eq!((change.component.as_str(), change.flag.as_str()), ("kube-apiserver", "etcd-servers"));
    assert_eq!(change.rendered.as_deref(), Some(""));
    assert!(change.is_loss());
}

#[tokio::test]
async fn a_recorded_move_of_a_flag_is_no_change() {
    const CLEAN: &str =
        include_str!("../../../../../tests/fixtures/transcripts/kubeadm-upgrade-node-clean.txt");
    let (_, diff) = CLEAN.split_once("$ kubeadm upgrade diff v1.32.13\n").unwrap();
    assert_eq!(asked(diff, None).await.unwrap(), vec![]);
}

#[tokio::test]
async fn no_difference_is_none() {
    let none = "[upgrade/diff] Reading configuration from the cluster...\n";
    assert_eq!(asked(none, None).await.unwrap(), vec![]);
    let other = "--- /etc/kubernetes/manifests/other.yaml\n+++ new manifest\n@@ -1 +1 @@\n-    - --v=1\n+    - --v=2\n";
    assert_eq!(asked(other, None).await.unwrap(), vec![]);
}

#[tokio::test]
async fn a_moved_issuer_is_another_signer() {
    let live = case!("03-service-account-issuer-order/live-kube-apiserver.yaml");
    let diff = case!("03-service-account-issuer-order/upgrade-diff.txt");
    let changes = asked(diff, Some((API, live))).await.unwrap();
    let [change] = changes.as_slice() else { panic!("{changes:?}") };
    assert!(change.is_reorder() && change.flag == "service-account-issuer", "{change}");
    assert_eq!(
        change.rendered.as_deref(),
        Some("https://tokens.site.example,https://kubernetes.default.svc.cluster.local")
    );
}

#[tokio::test]
async fn a_second_containers_flags_are_nobodys() {
    let live = case!("28-m08-second-container/kube-apiserver.yaml");
    let diff = case!("28-m08-second-container/upgrade-diff.txt");
    assert_eq!(asked(diff, Some((API, live))).await.unwrap(), vec![]);
}

#[tokio::test]
async fn flags_of_etcds_own_manifest() {
    let live = case!("19-patches-forgotten-for-etcd/live-etcd.yaml");
    let path = "/etc/kubernetes/manifests/etcd.yaml";
    let lost = "    - --listen-metrics-urls=http://0.0.0.0:2381\n    - --quota-backend-bytes=8589934592\n";
    let diff = swapped(path, live, lost, "    - --listen-metrics-urls=http://127.0.0.1:2381\n");
    let changes = asked(&diff, Some((path, live))).await.unwrap();
    assert_eq!(
        shown(&changes),
        [
            "etcd: --listen-metrics-urls would change from http://0.0.0.0:2381 to http://127.0.0.1:2381",
            "etcd: --quota-backend-bytes would vanish (now 8589934592)",
        ]
    );
}

#[tokio::test]
async fn wrappers_and_flags_in_two_words() {
    let wrapped = LIVE_API.replace(
        "    - kube-apiserver\n",
        "    - /usr/bin/flock\n    - --timeout=30\n    - /var/lock/api.lock\n    - kube-apiserver\n    - --audit-log-path\n    - /var/log/a.log\n    - --profiling=false\n",
    );
    let from = "    - /usr/bin/flock\n    - --timeout=30\n    - /var/lock/api.lock\n    - kube-apiserver\n    - --audit-log-path\n    - /var/log/a.log\n    - --profiling=false\n";
    let diff = swapped(API, &wrapped, from, "    - kube-apiserver\n    - --audit-log-path=/var/log/a.log\n");
    let changes = asked(&diff, Some((API, &wrapped))).await.unwrap();
    assert_eq!(shown(&changes), ["kube-apiserver: --profiling would vanish (now false)"]);
}

#[tokio::test]
async fn what_can_not_be_known_is_said() {
    let shell = "spec:\n  containers:\n  - name: kube-apiserver\n    image: x\n    command: [sh, -c, kube-apiserver --v=2]\n";
    let to = "    command: [kube-apiserver]\n";
    let opaque = swapped(API, shell, "    command: [sh, -c, kube-apiserver --v=2]\n", to);
    let stale = "--- /etc/kubernetes/manifests/kube-apiserver.yaml\n+++ new manifest\n@@ -9 +9 @@\n-    - --never=there\n+    - --v=2\n";
    let broken = swapped(API, LIVE_API, "spec:\n", "spec: {\n");
    let cases = [
        (opaque.as_str(), Some((API, shell)), "opaque: sh -c"),
        (stale, None, "hunk 1 (line 9) does not fit"),
        (broken.as_str(), None, "the manifest that kubeadm would write: it is no pod manifest"),
        (stale, Some((API, "a: 1\n")), "the manifest on the disk: it is no pod manifest"),
    ];
    for (diff, manifest, want) in cases {
        let failure = asked(diff, manifest).await.unwrap_err();
        assert_eq!(failure.code, "diff-unreadable", "{}", failure.message);
        assert!(failure.message.contains(want) && failure.message.contains(API), "{}", failure.message);
    }
    let away = stale.replace("kube-apiserver.yaml", "etcd.yaml");
    assert_eq!(asked(&away, None).await.unwrap_err().code, "file-failed");
}
