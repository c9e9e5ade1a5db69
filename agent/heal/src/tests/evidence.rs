//! A file that podlift can't read is replaced only if the kubelet can't read it either; and evidence that a pod is made from a manifest.

use super::*;
use crate::{RunningPod, Runtime};
use jiff::Timestamp;

/// A folded key that only one of the two parsers accepts.
const ONLY_THE_KUBELET: &[u8] = b"apiVersion: v1\nspec: {\n";

fn pod(created: i128) -> RunningPod {
    RunningPod {
        config_hash: Some("h1".into()),
        created: Timestamp::from_nanosecond(created).unwrap(),
        image: "registry.k8s.io/kube-apiserver:v1.31.14".into(),
        words: words(LIVE_API),
    }
}

fn words(text: &str) -> Vec<String> {
    let manifest = crate::manifest::Manifest::parse(API, text.as_bytes()).unwrap();
    manifest.values().map(String::from).collect()
}

fn changed(b: &Bench) -> i128 {
    b.files.stat(&api()).unwrap().ctime
}

fn why(heal: &Heal) -> String {
    heal.findings().remove(0).report_only.unwrap_or_default()
}

/// Waits as long as the kubelet may need to start the file's pod.
async fn settle(heal: &Heal) {
    look(heal);
    tokio::time::advance(Duration::from_secs(30)).await;
    look(heal);
}

#[tokio::test(start_paused = true)]
async fn a_restore_waits_for_the_runtime() {
    let b = bench();
    let heal = knowing(&b);
    b.files.put(api(), ONLY_THE_KUBELET);
    look(&heal);
    assert_eq!(heal.wants_runtime(), [], "somebody may be writing it");
    settle(&heal).await;
    heal.runtime_wanted.notified().await;
    assert_eq!(heal.wants_runtime(), [API]);
    assert!(why(&heal).contains("the container runtime is asked"), "{}", why(&heal));
    heal.runtime(API, Runtime::Unknown("crictl can't be run".into()));
    assert!(why(&heal).contains("crictl can't be run"), "{}", why(&heal));
    heal.runtime(API, Runtime::Running(pod(changed(&b) - 1)));
    assert!(why(&heal).contains("older than the file"), "{}", why(&heal));
    assert_eq!((b.files.read(&api()).unwrap(), heal.wants_runtime()), (ONLY_THE_KUBELET.to_vec(), vec![API]));
    heal.runtime(API, Runtime::NotRunning);
    assert_eq!(b.files.text(api()), LIVE_API);
}

#[tokio::test(start_paused = true)]
async fn what_runs_is_never_replaced() {
    let b = bench();
    let heal = knowing(&b);
    b.files.put(api(), ONLY_THE_KUBELET);
    settle(&heal).await;
    heal.runtime(API, Runtime::Running(pod(changed(&b))));
    tokio::time::advance(Duration::from_secs(3600)).await;
    look(&heal);
    heal.runtime(API, Runtime::NotRunning);
    assert_eq!((b.files.read(&api()).unwrap(), heal.wants_runtime()), (ONLY_THE_KUBELET.to_vec(), vec![]));
    assert!(why(&heal).contains("the kubelet runs what is in it"), "{}", why(&heal));
    // Another file needs its own evidence.
    b.files.put(api(), b"apiVersion: v1\nspec: [\n");
    settle(&heal).await;
    assert_eq!(heal.wants_runtime(), [API]);
}

#[tokio::test(start_paused = true)]
async fn nothing_runs_yet_is_no_evidence() {
    let b = bench();
    let heal = knowing(&b);
    b.files.put(api(), ONLY_THE_KUBELET);
    look(&heal);
    tokio::time::advance(b.settings.tick).await;
    look(&heal);
    heal.runtime(API, Runtime::NotRunning);
    assert_eq!(b.files.read(&api()).unwrap(), ONLY_THE_KUBELET, "the kubelet may still be starting it");
    assert_eq!(heal.wants_runtime(), [API]);
}

#[tokio::test(start_paused = true)]
async fn another_pod_in_the_file_is_left_alone() {
    let b = bench();
    let heal = knowing(&b);
    let other = LIVE_API.replace("    name: kube-apiserver\n", "    name: apiserver\n");
    b.files.put(api(), other.as_bytes());
    settle(&heal).await;
    heal.runtime(API, Runtime::NotRunning);
    assert_eq!(b.files.text(api()), other);
    assert_eq!(heal.findings()[0].rule, "strange");
}

#[tokio::test(start_paused = true)]
async fn a_pod_is_of_this_manifest_or_it_is_said_why_not() {
    let b = bench();
    let heal = knowing(&b);
    let exactly = |heal: &Heal, pod: RunningPod| heal.runs_exactly(API, &heal.seen(API).unwrap(), &pod);
    let fresh = pod(changed(&b));
    let old = pod(changed(&b) - 1);
    let refused = |pod: RunningPod, text: &str| {
        let why = exactly(&heal, pod).unwrap_err();
        assert!(why.contains(text), "{why}");
    };
    refused(old.clone(), "changed after its pod was made");
    refused(RunningPod { config_hash: None, ..old.clone() }, "no annotation kubernetes.io/config.hash");
    refused(RunningPod { image: "x:v1".into(), ..fresh.clone() }, "its manifest says");
    refused(RunningPod { words: words(EMPTY_API), ..fresh.clone() }, "with another --");
    refused(
        RunningPod { words: vec!["sh".into(), "-c".into(), "x".into()], ..fresh.clone() },
        "opaque: sh -c",
    );
    assert_eq!(exactly(&heal, RunningPod { config_hash: None, ..fresh.clone() }), Ok(()));
    assert_eq!(exactly(&heal, fresh), Ok(()));
    // The same content in a file that changed since: a comment, a mode, a restart of the agent.
    b.files.put(api(), format!("# checked\n{LIVE_API}").as_bytes());
    b.files.restat(api(), |s| s.mode = 0o644);
    let again = open(&b);
    assert_eq!(exactly(&again, old.clone()), Ok(()));
    let other = RunningPod { config_hash: Some("h2".into()), ..old };
    assert!(exactly(&again, other).is_err());
}

#[tokio::test(start_paused = true)]
async fn what_the_kubelet_fills_in_is_no_other_flag() {
    let b = bench();
    let heal = open(&b);
    let expanded = LIVE_API.replace("--advertise-address=10.77.0.11", "--advertise-address=$(POD_IP)");
    b.files.put(api(), expanded.as_bytes());
    let look = heal.seen(API).unwrap();
    assert_eq!(heal.runs_exactly(API, &look, &pod(changed(&b))), Ok(()));
}
