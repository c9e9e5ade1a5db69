//! Every recorded transcript goes through the product's parsers and verdicts. A file without a test fails the test.
#![allow(clippy::disallowed_methods)] // lists the fixtures

use crate::ledger::Accepted;
use crate::node::Node;
use crate::ops::{Cx, implementation};
use crate::testing::{BOOT, Bench, EMPTY_API, LIVE_API, exited, said};
use crate::units::Exit;
use async_trait::async_trait;
use podlift_host::paths;
use podlift_host::{Http, HttpError, HttpTls, Invocation};
use podlift_model::op::{Addon, Component};
use podlift_model::{Epoch, Failure, HostOp, KubeVersion, OpId, OpOutput};
use podlift_tools::apt::judge;
use podlift_tools::{etcdctl, kubeadm, madison, snapshot};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

macro_rules! transcripts {
    ($($constant:ident = $file:literal),* $(,)?) => {
        $(const $constant: &str = include_str!(concat!("../../tests/fixtures/transcripts/", $file));)*
        /// Every one has a test below.
        const COVERED: &[&str] = &[$($file),*];
    };
}
transcripts! {
    APT = "apt-transcript.txt",
    ETCD = "etcd-transcript.txt",
    BEHIND_PROXY = "kubeadm-apply-behind-proxy.txt",
    EMPTY_ETCD = "kubeadm-apply-empty-etcd.txt",
    PHASES = "kubeadm-phases.txt",
    PLAN_DIFF = "kubeadm-plan-diff.txt",
    RETRY_AFTER_HEAL = "kubeadm-retry-after-heal.txt",
    NODE_CLEAN = "kubeadm-upgrade-node-clean.txt",
    NODE_HEALED = "kubeadm-upgrade-node-healed.txt",
    WORKER = "worker-upgrade.txt",
}
const POD: &str = include_str!("../../tests/fixtures/kube-api/pod.crash-looping-apiserver.json");

#[test]
fn no_transcript_is_left_out() {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/transcripts");
    let mut names: Vec<String> =
        std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, COVERED);
}

fn to() -> KubeVersion {
    "v1.32.13".parse().unwrap()
}

/// The output of one command in a transcript, and its exit code.
fn part<'a>(text: &'a str, command: &str) -> (&'a str, i32) {
    let (_, rest) = text.split_once(&format!("$ {command}\n")).unwrap();
    let (said, rest) = rest.split_once("\nrc=").unwrap();
    (said, code(rest))
}

fn code(text: &str) -> i32 {
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}

/// The op's verdict about a unit that printed this.
async fn verdict(bench: &Bench, op: HostOp, log: &str, code: i32) -> Result<OpOutput, Failure> {
    let (node, op_id): (Arc<Node>, _) = (bench.node(), OpId::new("op-1").unwrap());
    bench.files.put(paths::op_log(&op_id), log.as_bytes());
    let at = node.host.clock.now();
    let epoch = Epoch { number: 1, instance: "a".parse().unwrap() };
    let accepted =
        Accepted { op: op.clone(), epoch, boot: BOOT.parse().unwrap(), at, since_boot: Duration::ZERO };
    let result = if code == 0 { "success" } else { "exit-code" };
    let exit = Exit {
        boot: BOOT.parse().unwrap(),
        at,
        result: result.into(),
        code: "exited".into(),
        status: code.to_string(),
    };
    implementation(&op).conclude(&Cx { node: &node, op_id: &op_id, accepted: &accepted }, &exit).await
}

fn apply() -> HostOp {
    HostOp::KubeadmApply { ignore: vec![], to: to(), skip: vec![], whole: false }
}

/// The API server's port is closed.
struct Down;

#[async_trait]
impl Http for Down {
    async fn get(&self, endpoint: &str, path: &str, _: &HttpTls) -> Result<(u16, String), HttpError> {
        let url = format!("https://{endpoint}{path}");
        Err(HttpError { url, why: "connection refused".into() })
    }
}

/// crictl's answer about the container that the kubelet reported in this pod: both have it from the same runtime.
fn crictl(call: &Invocation) -> String {
    let pod: serde_json::Value = serde_json::from_str(POD).unwrap();
    let status = &pod["status"]["containerStatuses"][0];
    let ended = &status["lastState"]["terminated"];
    let id = ended["containerID"].as_str().unwrap().trim_start_matches("containerd://");
    match call.args[0].as_str() {
        "pods" => serde_json::json!({"items": []}),
        "ps" => serde_json::json!({"containers": [{
            "id": id, "podSandboxId": "0", "state": "CONTAINER_EXITED", "createdAt": "1795338956000000000",
            "metadata": {"name": status["name"], "attempt": status["restartCount"]},
            "image": {"image": status["imageID"], "annotations": {}},
        }]}),
        "inspect" => serde_json::json!({
            "status": {
                "id": id, "state": "CONTAINER_EXITED", "exitCode": ended["exitCode"], "reason": ended["reason"],
                "image": {"image": status["image"], "annotations": {}}, "imageRef": status["imageID"],
            },
            "info": {"runtimeSpec": {"process": {"args": pod["spec"]["containers"][0]["command"]}}},
        }),
        _ => panic!("{call:?}"),
    }
    .to_string()
}

/// A control-plane node whose API server crash-loops as in the recorded pod.
fn crash_looping() -> Bench {
    let log = BEHIND_PROXY.lines().find(|l| l.contains("command failed")).unwrap();
    let log = log.split_once(" F ").unwrap().1;
    let mut bench = Bench::new(move |call| match (call.program, call.args[0].as_str()) {
        ("crictl", "logs") => exited(0, log),
        ("crictl", _) => said(&crictl(call)),
        _ => exited(1, "not asked here"),
    })
    .control_plane();
    bench.files.put(paths::manifest(Component::KubeApiserver), EMPTY_API.as_bytes());
    bench.host.http = Arc::new(Down);
    bench
}

#[tokio::test(start_paused = true)]
async fn exit_0_over_a_crash_looping_api_server_is_told_as_both() {
    for transcript in [BEHIND_PROXY, EMPTY_ETCD] {
        let log = transcript.split("\nrc=").next().unwrap();
        let rc = code(transcript.split("\nrc=").nth(1).unwrap());
        let said = verdict(&crash_looping(), apply(), log, rc).await;
        let Ok(OpOutput::Changed(line)) = said else { panic!("{said:?}") };
        for words in [
            "kubeadm exited 0 after",
            "this node's API server 10.77.0.11:6443 is not serving",
            "--etcd-servers is empty in its manifest",
            "no container of it runs",
            "it was restarted 3 times",
            "the last one exited 1",
            "err=\"--etcd-servers must be specified\"",
        ] {
            assert!(line.contains(words), "no {words:?} in: {line}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn exit_0_over_a_serving_api_server_is_that_and_no_more() {
    for transcript in [NODE_HEALED, NODE_CLEAN] {
        let bench = Bench::new(|call| match (call.program, call.args[0].as_str()) {
            ("crictl", "ps") => said("{}"),
            _ => exited(1, "not asked here"),
        })
        .control_plane();
        bench.files.put(paths::manifest(Component::KubeApiserver), LIVE_API.as_bytes());
        assert!(transcript.contains("The control plane instance for this node was successfully upgraded!"));
        let rc = code(transcript.rsplit("rc=").next().unwrap());
        let said = verdict(&bench, HostOp::KubeadmNode { skip: vec![], whole: false }, transcript, rc).await;
        let Ok(OpOutput::Changed(line)) = said else { panic!("{said:?}") };
        assert!(line.starts_with("kubeadm exited 0 after") && !line.contains("serving"), "{line}");
    }
    let worker = Bench::new(|_| exited(1, "not asked here"));
    let (log, rc) = part(WORKER, "kubeadm upgrade node");
    let said = verdict(&worker, HostOp::KubeadmNode { skip: vec![], whole: false }, log, rc).await;
    assert_eq!(said, Ok(OpOutput::Changed("kubeadm exited 0 after 0 s".into())));
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_a_heal_fails_with_the_reason() {
    let rc = code(RETRY_AFTER_HEAL.rsplit("rc=").next().unwrap());
    let said = verdict(&crash_looping(), apply(), RETRY_AFTER_HEAL, rc).await;
    let failure = said.unwrap_err();
    assert_eq!(failure.code, "kubeadm-failed");
    assert!(failure.message.contains("static Pod hash for component kube-apiserver"), "{}", failure.message);
    assert!(failure.message.contains("did not change after 5m0s"), "{}", failure.message);
}

/// The agent makes only calls that were seen to work.
#[tokio::test(start_paused = true)]
async fn phases_are_called_as_they_were_seen_to_work() {
    let limit = Duration::from_secs(1);
    for spec in [kubeadm::addons(to(), Addon::ALL, limit), kubeadm::kubelet_config(None, limit)] {
        let (_, rc) = part(PHASES, &format!("kubeadm {}", spec.args.join(" ")));
        assert_eq!(rc, 0);
    }
    let (log, rc) = part(PHASES, "kubeadm upgrade apply phase addon all");
    let op = HostOp::KubeadmAddons { to: to(), addons: Addon::ALL.to_vec() };
    let failure = verdict(&Bench::new(|_| exited(1, "")), op, log, rc).await.unwrap_err();
    assert!(failure.detail.contains("Required arguments: [version]"), "{failure:?}");
}

#[tokio::test(start_paused = true)]
async fn what_would_be_lost_is_seen_before_and_nothing_where_nothing_would() {
    let asked = |transcript: &'static str| async move {
        let (log, _) = part(transcript, "kubeadm upgrade diff v1.32.13");
        let bench = Bench::new(move |_| said(log)).control_plane();
        kubeadm::diff(&bench.host, kubeadm::Binary::Installed, to()).await.unwrap()
    };
    let lost = asked(PLAN_DIFF).await;
    assert_eq!(lost.len(), 1);
    assert!(lost[0].is_loss() && lost[0].flag == "etcd-servers", "{lost:?}");
    let (clean, _) = NODE_CLEAN.split_once("[upgrade] Reading").unwrap();
    let clean: &'static str = clean.split_once("$ kubeadm upgrade diff v1.32.13\n").unwrap().1;
    let bench = Bench::new(move |_| said(clean)).control_plane();
    assert_eq!(kubeadm::diff(&bench.host, kubeadm::Binary::Installed, to()).await.unwrap(), vec![]);
}

#[tokio::test(start_paused = true)]
async fn apts_words_are_read() {
    let bench = Bench::new(|_| said(APT));
    let offers =
        madison::offers(&bench.host, madison::Lists::Own, &[podlift_model::op::Package::Kubeadm]).await;
    assert_eq!(offers.unwrap()[0].version.to_string(), "1.32.13-1.1");
    let (held, rc) = part(APT, "apt-get install -y kubeadm=1.32.13-1.1   (held)");
    assert_eq!((judge(held, "exited 100").code.as_str(), rc), ("apt-held", 100));
    let (installed, rc) = part(APT, "apt-get install -y kubeadm=1.32.13-1.1");
    assert_eq!(
        (judge(installed, "exited 0").code.as_str(), rc),
        ("apt-failed", 0),
        "no failure is read into it"
    );
}

#[tokio::test(start_paused = true)]
async fn etcds_words_are_read() {
    let answer = |command: &str| {
        ETCD.split_once(&format!("$ etcdctl {command} -w json\n")).unwrap().1.lines().next().unwrap()
    };
    let bench = Bench::new(move |call| {
        let line = call.args.join(" ");
        let known =
            ["member list", "endpoint status", "snapshot status"].into_iter().find(|c| line.contains(c));
        match known {
            Some("endpoint status") => said(answer("endpoint status --cluster")),
            Some(command) => said(answer(command)),
            None => exited(1, "not asked here"),
        }
    })
    .control_plane();
    let node = bench.node();
    let access = etcdctl::Access::of_node(&node.host, &node.config.cluster, None).unwrap();
    assert_eq!(access.cluster_id(&node.host).await.unwrap(), "eed650fd254a89ea");
    let clusters = access.clusters(&node.host).await.unwrap();
    assert!(clusters.len() == 3 && clusters.iter().all(|(_, c)| c == "eed650fd254a89ea"), "{clusters:?}");
    assert_eq!(snapshot::status(&node.host, Path::new("/s.db")).await.unwrap().revision, 4107);
}
