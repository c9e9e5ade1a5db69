//! Questions to the container runtime: who asks, when, and with which effect. A restore waits for the answer.

use super::*;
use crate::testing::{Bench, LIVE_API, exited, said};
use podlift_heal::Learned;
use podlift_host::paths;
use podlift_model::Digest;
use podlift_model::op::Component::KubeApiserver as API;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinHandle;

/// Only the kubelet can decide whether it reads this.
const BROKEN: &str = "apiVersion: v1\nspec: {\n";
/// Time that the kubelet needs to start a file's pod.
const STARTS: Duration = Duration::from_secs(31);

struct Rig {
    bench: Bench,
    heal: Arc<Heal>,
    /// The answer of `crictl pods`; `None` if it fails.
    pods: Arc<Mutex<Option<&'static str>>>,
    answering: JoinHandle<()>,
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.answering.abort();
    }
}

impl Rig {
    /// A node whose heal knows a good manifest of the API server, which is also on the disk.
    fn new(pods: Option<&'static str>) -> Self {
        let pods = Arc::new(Mutex::new(pods));
        let answer = pods.clone();
        let bench = Bench::new(move |call| match (call.args[0].as_str(), *answer.lock().unwrap()) {
            ("pods", Some(text)) => said(text),
            ("ps", Some(_)) => said(r#"{"containers":[]}"#),
            _ => exited(1, "connect: no such file or directory"),
        });
        let bench = bench.control_plane();
        let heal = bench.node().heal.clone();
        let servers = ["11", "12", "13"].map(|n| format!("https://10.77.0.{n}:2379")).join(",");
        let learned = Learned { servers, cluster: Some("abc".into()), ..Learned::default() };
        heal.learned(learned, &Digest::of(LIVE_API)).unwrap();
        let (host, asked) = (bench.host.clone(), heal.clone());
        let answering = tokio::spawn(async move { answer_runtime(&host, &asked).await });
        Self { bench, heal, pods, answering }
    }

    fn says(&self, pods: Option<&'static str>) {
        *self.pods.lock().unwrap() = pods;
    }

    fn put(&self, text: &str) {
        self.bench.files.put(paths::manifest(API), text.as_bytes());
        self.heal.look_at_all();
    }

    /// One look of the heal after `pause`, and the answers to its questions.
    async fn look_after(&self, pause: Duration) {
        tokio::time::advance(pause).await;
        self.heal.look_at_all();
        // A paused clock advances only when all ready tasks have run.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    fn is(&self, text: &str) -> bool {
        self.bench.files.text(paths::manifest(API)) == text
    }

    fn why(&self) -> String {
        let findings = self.heal.findings().into_iter();
        findings.filter_map(|finding| finding.report_only).collect::<Vec<_>>().join("; ")
    }

    fn asked(&self) -> usize {
        self.bench.commands.count("crictl pods")
    }
}

const NO_POD: Option<&str> = Some(r#"{"items":[]}"#);

#[tokio::test(start_paused = true)]
async fn what_does_not_run_is_restored_and_nobody_is_asked_before_it_must() {
    let rig = Rig::new(NO_POD);
    rig.look_after(STARTS).await;
    rig.put(BROKEN);
    assert!(rig.asked() == 0 && rig.is(BROKEN), "somebody may still be writing it");
    rig.look_after(STARTS).await;
    assert!(rig.asked() > 0);
    assert!(rig.is(LIVE_API), "{}", rig.why());
    let asked = rig.asked();
    rig.look_after(STARTS * 10).await;
    assert_eq!(rig.asked(), asked, "nothing waits for an answer any more");
}

#[tokio::test(start_paused = true)]
async fn a_runtime_that_does_not_answer_is_asked_again_and_nothing_is_restored_meanwhile() {
    let rig = Rig::new(None);
    rig.put(BROKEN);
    rig.look_after(STARTS).await;
    rig.look_after(STARTS).await;
    assert!(rig.asked() >= 2, "asked {} times", rig.asked());
    assert!(rig.is(BROKEN));
    assert!(rig.why().contains("no such file or directory"), "{}", rig.why());
    rig.says(NO_POD);
    rig.look_after(STARTS).await;
    assert!(rig.is(LIVE_API), "{}", rig.why());
}

#[tokio::test(start_paused = true)]
async fn a_pod_without_a_container_is_no_proof_that_nothing_runs() {
    let pod = r#"{"items":[{"id":"p","metadata":{"name":"kube-apiserver-runai-01","namespace":"kube-system"},
        "state":"SANDBOX_READY","createdAt":"1","labels":{"component":"kube-apiserver"},
        "annotations":{"kubernetes.io/config.hash":"abc","kubernetes.io/config.source":"file"}}]}"#;
    let rig = Rig::new(Some(pod));
    rig.put(BROKEN);
    rig.look_after(STARTS).await;
    rig.look_after(STARTS).await;
    assert!(rig.asked() > 0);
    assert!(rig.is(BROKEN));
    assert!(rig.why().contains("no container of it runs"), "{}", rig.why());
}

#[tokio::test(start_paused = true)]
async fn what_can_be_read_is_asked_of_nobody() {
    let rig = Rig::new(NO_POD);
    for _ in 0..20 {
        rig.look_after(STARTS).await;
    }
    assert_eq!(rig.bench.commands.calls(), Vec::<String>::new());
}
