//! crictl's output (protobuf as JSON: numbers in quotes, empty fields left out), and the pod that is parsed from it.

use super::*;
use podlift_host::testing::{Fakes, exited, said};
use podlift_host::{CommandError, Output};

const COMPONENT: Component = Component::KubeApiserver;

struct Pod {
    id: &'static str,
    name: &'static str,
    namespace: &'static str,
    source: &'static str,
    label: Option<&'static str>,
    hash: &'static str,
    created: u64,
    state: &'static str,
}

const POD: Pod = Pod {
    id: "p1",
    name: "kube-apiserver-runai-01",
    namespace: "kube-system",
    source: "file",
    label: Some("kube-apiserver"),
    hash: "f556b9016283651c92291c6d844ea468",
    created: 1_593_676_785_281_403_260,
    state: "SANDBOX_READY",
};

fn pods(all: &[Pod]) -> String {
    let item = |p: &Pod| {
        let label = p.label.map(|l| format!("\"component\": \"{l}\", ")).unwrap_or_default();
        format!(
            r#"{{"id": "{}", "metadata": {{"name": "{}", "uid": "{}", "namespace": "{}", "attempt": 0}},
              "state": "{}", "createdAt": "{}",
              "labels": {{{label}"io.kubernetes.pod.name": "{}", "io.kubernetes.pod.namespace": "{}", "tier": "control-plane"}},
              "annotations": {{"kubernetes.io/config.hash": "{}", "kubernetes.io/config.seen": "2020-07-02T07:59:42Z", "kubernetes.io/config.source": "{}"}},
              "runtimeHandler": ""}}"#,
            p.id, p.name, p.hash, p.namespace, p.state, p.created, p.name, p.namespace, p.hash, p.source
        )
    };
    format!("{{\"items\": [{}]}}", all.iter().map(item).collect::<Vec<_>>().join(","))
}

fn container(id: &str, pod: &str, state: &str) -> String {
    format!(
        r#"{{"id": "{id}", "podSandboxId": "{pod}", "metadata": {{"name": "kube-apiserver", "attempt": 3}},
          "image": {{"image": "sha256:21b9", "annotations": {{}}, "userSpecifiedImage": "", "runtimeHandler": ""}},
          "imageRef": "sha256:21b9", "state": "{state}", "createdAt": "1593676790281403260",
          "labels": {{"io.kubernetes.container.name": "kube-apiserver"}}, "annotations": {{}}}}"#
    )
}

const INSPECTED: &str = r#"{"status": {"id": "c1", "state": "CONTAINER_RUNNING", "image": {"image": "registry.k8s.io/kube-apiserver:v1.31.9"}},
    "info": {"runtimeSpec": {"process": {"args": ["kube-apiserver", "--v=2"]}}}}"#;

type Answer = Result<Output, CommandError>;

async fn asked(pods: String, containers: Vec<String>) -> (Runtime, Vec<String>) {
    let containers = format!("{{\"containers\": [{}]}}", containers.join(","));
    let answer = move |args: &[String]| -> Answer {
        match args[0].as_str() {
            "pods" => said(&pods),
            "ps" => said(&containers),
            _ => said(INSPECTED),
        }
    };
    let fakes = Fakes::new(move |call| answer(&call.args));
    (runtime(&fakes.host, COMPONENT).await, fakes.commands.calls())
}

fn hash(runtime: Runtime) -> Option<String> {
    match runtime {
        Runtime::Running(pod) => pod.config_hash,
        _ => None,
    }
}

#[tokio::test]
async fn the_running_pod_with_its_hash_image_and_words() {
    let (said, calls) = asked(pods(&[POD]), vec![container("c1", "p1", "CONTAINER_RUNNING")]).await;
    let Runtime::Running(pod) = said else { panic!("{said:?}") };
    assert_eq!(pod.config_hash.as_deref(), Some(POD.hash));
    assert_eq!(pod.created.to_string(), "2020-07-02T07:59:45.28140326Z");
    assert_eq!(
        (pod.image.as_str(), pod.words.as_slice()),
        ("registry.k8s.io/kube-apiserver:v1.31.9", ["kube-apiserver".to_string(), "--v=2".into()].as_slice())
    );
    assert_eq!(
        calls,
        [
            "crictl pods --state ready -o json",
            "crictl ps -a --name kube-apiserver -o json",
            "crictl inspect c1"
        ]
    );
}

#[tokio::test]
async fn the_newest_sandbox_counts() {
    let both = || pods(&[Pod { id: "p0", hash: "old", created: POD.created - 1, ..POD }, POD]);
    let running = |id: &str, pod: &str| container(id, pod, "CONTAINER_RUNNING");
    let new = asked(both(), vec![running("c0", "p0"), running("c1", "p1")]).await.0;
    assert_eq!(hash(new).as_deref(), Some(POD.hash));
    let ending = asked(both(), vec![running("c0", "p0"), container("c1", "p1", "CONTAINER_EXITED")]).await.0;
    assert!(matches!(ending, Runtime::Unknown(_)), "the new pod is there: {ending:?}");
}

#[tokio::test]
async fn what_does_not_run() {
    let running = || vec![container("c1", "p1", "CONTAINER_RUNNING")];
    let cases = [
        ("nothing at all", "{}".to_string(), vec![]),
        ("an empty list", "{\"items\": []}".into(), vec![]),
        ("not ready", pods(&[Pod { state: "SANDBOX_NOTREADY", ..POD }]), running()),
        ("from the API", pods(&[Pod { source: "api", ..POD }]), running()),
        ("another namespace", pods(&[Pod { namespace: "default", ..POD }]), running()),
        ("another pod", pods(&[Pod { name: "kube-apiserverx-runai-01", ..POD }]), running()),
        ("a label of another", pods(&[Pod { label: Some("kube-apiserver-proxy"), ..POD }]), running()),
    ];
    for (what, pods, containers) in cases {
        assert_eq!(asked(pods, containers).await.0, Runtime::NotRunning, "{what}");
    }
    let made = [
        ("crash loop", vec![container("c1", "p1", "CONTAINER_EXITED")]),
        ("no container yet", vec![]),
        ("another pod's container", vec![container("c1", "p9", "CONTAINER_RUNNING")]),
    ];
    for (what, containers) in made {
        let said = asked(pods(&[POD]), containers).await.0;
        let Runtime::Unknown(why) = said else { panic!("{what}: {said:?}") };
        assert!(why.contains("no container of it runs"), "{what}: {why}");
    }
    let bare = asked(pods(&[Pod { label: None, ..POD }]), running()).await.0;
    assert_eq!(hash(bare).as_deref(), Some(POD.hash), "no label: the container says whose pod it is");
    let proxy =
        Pod { id: "p2", name: "kube-apiserver-proxy-runai-01", label: None, created: POD.created + 1, ..POD };
    let beside = asked(pods(&[POD, proxy]), running()).await.0;
    assert_eq!(hash(beside).as_deref(), Some(POD.hash));
}

#[tokio::test]
async fn who_can_not_be_asked_is_unknown_with_the_reason() {
    let unknown = |answer: fn() -> Answer| async move {
        let fakes = Fakes::new(move |_| answer());
        match runtime(&fakes.host, COMPONENT).await {
            Runtime::Unknown(why) => why,
            other => panic!("{other:?}"),
        }
    };
    let missing =
        unknown(|| Err(CommandError::NotFound { program: "crictl".into(), path: "/usr/bin".into() })).await;
    assert!(missing.contains("crictl"), "{missing}");
    let failed = unknown(|| exited(1, "FATA[0002] connect: no such file or directory")).await;
    assert!(failed.contains("crictl pods ready exited 1") && failed.contains("no such file"), "{failed}");
    let strange = unknown(|| said("POD ID  CREATED")).await;
    assert!(strange.contains("no JSON"), "{strange}");
    let timeless =
        unknown(|| said(r#"{"items":[{"id":"p1","state":"SANDBOX_READY","createdAt":"today"}]}"#)).await;
    assert!(timeless.contains("createdAt of pod p1"), "{timeless}");
}
