//! The adapter against a fake kube API, with fixed objects and recorded refusals. The fake keeps every request.

mod addons;
mod before;
mod drain;
mod evictions;
mod issues;
mod requests;
mod returning;
mod taints;

use super::KubeCluster;
use crate::cluster::{Cluster, Prober};
use async_trait::async_trait;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use kube::client::Body;
use podlift_common::clock::TokioClock;
use podlift_engine::doors::{ApiProbe, DrainOptions, EvictionView, Owner};
use podlift_engine::{ClusterAct, ClusterLook, ClusterReply};
use podlift_model::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const NODE: &str = "/api/v1/nodes/dgx030";
const PODS: &str = "/api/v1/pods";

/// Answers in order, by `METHOD PATH`; the last one stays.
#[derive(Clone, Default)]
struct Played(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    answers: BTreeMap<String, VecDeque<(u16, Value)>>,
    asked: Vec<(String, Value)>,
    /// Delay of every answer.
    delay: Duration,
    /// Evictions in flight, and the most that were at once.
    evictions: usize,
    most_evictions: usize,
}

struct NoProber;

#[async_trait]
impl Prober for NoProber {
    async fn probe(&self, endpoint: &str) -> ApiProbe {
        ApiProbe { endpoint: endpoint.into(), ok: true, why: String::new() }
    }
}

impl Played {
    fn on(self, what: &str, answers: &[(u16, Value)]) -> Self {
        self.0.lock().unwrap().answers.insert(what.into(), answers.iter().cloned().collect());
        self
    }

    fn node(self, node: Value) -> Self {
        self.on(&format!("GET {NODE}"), &[(200, node)])
    }

    fn pods(self, pods: &[Value]) -> Self {
        self.on(&format!("GET {PODS}"), &[(200, json!({"metadata": {}, "items": pods}))])
    }

    fn bodies(&self, what: &str) -> Vec<Value> {
        let state = self.0.lock().unwrap();
        state.asked.iter().filter(|(asked, _)| asked == what).map(|(_, body)| body.clone()).collect()
    }

    fn answer(&self, what: String, body: Value) -> (u16, Value) {
        let mut state = self.0.lock().unwrap();
        state.asked.push((what.clone(), body));
        let missing = (404, json!({"kind": "Status", "message": format!("{what} not found"), "code": 404}));
        match state.answers.get_mut(&what) {
            Some(all) if all.len() > 1 => all.pop_front().unwrap_or(missing),
            Some(all) => all.front().cloned().unwrap_or(missing),
            None => missing,
        }
    }

    fn cluster(&self) -> KubeCluster {
        let played = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let played = played.clone();
            async move {
                let what = format!("{} {}", request.method(), request.uri().path());
                let bytes = request.into_body().collect().await?.to_bytes();
                let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
                let eviction = usize::from(what.ends_with("/eviction"));
                let (code, value) = played.answer(what, body);
                let delay = {
                    let mut state = played.0.lock().unwrap();
                    state.evictions += eviction;
                    state.most_evictions = state.most_evictions.max(state.evictions);
                    state.delay
                };
                tokio::time::sleep(delay).await;
                played.0.lock().unwrap().evictions -= eviction;
                let response =
                    Response::builder().status(code).body(Body::from(value.to_string().into_bytes()));
                Ok::<_, Box<dyn std::error::Error + Send + Sync>>(response?)
            }
        });
        let client = kube::Client::new(service, "default");
        let clock = TokioClock::starting_at("2026-11-22T03:00:00Z".parse().unwrap());
        KubeCluster::new(client, Arc::new(NoProber), Duration::from_secs(5)).with_clock(Arc::new(clock))
    }

    async fn look(&self, look: ClusterLook) -> Result<ClusterReply, Failure> {
        self.cluster().look(&look).await
    }

    async fn act(&self, act: ClusterAct) -> Result<String, Failure> {
        self.cluster().act(&act, &epoch(5)).await
    }

    async fn drain(&self, seconds: u32) -> Result<String, Failure> {
        self.drain_with(seconds, DrainOptions::default()).await
    }

    async fn drain_with(&self, seconds: u32, options: DrainOptions) -> Result<String, Failure> {
        self.act(ClusterAct::Drain { node: dgx(), run: run(), seconds, options }).await
    }

    async fn pods_to_evict(&self, options: DrainOptions) -> EvictionView {
        match self.look(ClusterLook::PodsToEvict { node: dgx(), options }).await {
            Ok(ClusterReply::Pods(view)) => view,
            other => panic!("{other:?}"),
        }
    }
}

fn dgx() -> NodeName {
    NodeName::new("dgx030").unwrap()
}

fn run() -> RunId {
    RunId::new("r1").unwrap()
}

fn epoch(number: u64) -> Epoch {
    Epoch { number, instance: InstanceId::new("one").unwrap() }
}

fn node(unschedulable: bool, owner: Option<(&str, u64)>) -> Value {
    let owner =
        owner.map(|(run, number)| Owner { run: RunId::new(run).unwrap(), epoch: epoch(number), over: false });
    let annotations = owner.map(|o| json!({"podlift.io/owner": serde_json::to_string(&o).unwrap()}));
    json!({
        "metadata": {"name": "dgx030", "resourceVersion": "7", "annotations": annotations},
        "spec": {"unschedulable": unschedulable},
        "status": {},
    })
}

fn pod(name: &str, owner: Option<&str>) -> Value {
    let owners = owner.map(|kind| json!([{"kind": kind, "name": "o", "controller": true}]));
    json!({
        "metadata": {"name": name, "namespace": "a", "uid": format!("uid-{name}"), "labels": {"app": name}, "ownerReferences": owners},
        "spec": {"nodeName": "dgx030"},
        "status": {"phase": "Running"},
    })
}

fn evict(pod: &str) -> String {
    format!("POST /api/v1/namespaces/a/pods/{pod}/eviction")
}

fn at(pod: &str) -> String {
    format!("GET /api/v1/namespaces/a/pods/{pod}")
}

fn status(code: u16, message: &str) -> (u16, Value) {
    (code, json!({"kind": "Status", "message": message, "code": code}))
}

fn recorded(name: &str) -> (u16, Value) {
    let all: Value =
        serde_json::from_str(include_str!("../../../../tests/fixtures/kube-api/transcript.json")).unwrap();
    let entry = all.as_array().unwrap().iter().find(|e| e["name"] == name).unwrap();
    (entry["response"]["status"].as_u64().unwrap() as u16, entry["response"]["body"].clone())
}

#[tokio::test(start_paused = true)]
async fn cordon_is_one_patch_with_owner_epoch_and_version() {
    let api = Played::default().node(node(false, None)).on(&format!("PATCH {NODE}"), &[(200, json!({}))]);
    api.act(ClusterAct::Cordon { node: dgx(), run: run(), from: None, held: vec![] }).await.unwrap();
    let patches = api.bodies(&format!("PATCH {NODE}"));
    let [patch] = patches.as_slice() else { panic!("{patches:?}") };
    assert_eq!(
        (&patch["metadata"]["resourceVersion"], &patch["spec"]["unschedulable"]),
        (&json!("7"), &json!(true))
    );
    let owner: Owner =
        serde_json::from_str(patch["metadata"]["annotations"]["podlift.io/owner"].as_str().unwrap()).unwrap();
    assert_eq!(owner, Owner { run: run(), epoch: epoch(5), over: false });
}

#[tokio::test(start_paused = true)]
async fn cordon_leaves_what_others_did_and_obeys_the_fence() {
    let cases = [
        (node(true, None), "cordon-foreign"),
        (node(true, Some(("other", 5))), "cordon-foreign"),
        (node(true, Some(("r1", 6))), "fenced"),
        (node(false, Some(("old", 6))), "fenced"),
    ];
    for (object, code) in cases {
        let api = Played::default().node(object);
        let failure = api
            .act(ClusterAct::Cordon { node: dgx(), run: run(), from: None, held: vec![] })
            .await
            .unwrap_err();
        assert_eq!((failure.code.as_str(), failure.class), (code, FailureClass::Operator));
        assert!(api.bodies(&format!("PATCH {NODE}")).is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn the_cordon_of_the_named_ended_run_is_taken_over_and_no_other() {
    for (left_by, taken) in [(Some(("old", 4)), true), (Some(("other", 4)), false), (None, false)] {
        let api =
            Played::default().node(node(true, left_by)).on(&format!("PATCH {NODE}"), &[(200, json!({}))]);
        let from = RunId::new("old").ok();
        let said = api.act(ClusterAct::Cordon { node: dgx(), run: run(), from, held: vec![] }).await;
        assert_eq!(said.is_ok(), taken, "{said:?}");
        let patches = api.bodies(&format!("PATCH {NODE}"));
        assert_eq!(patches.len(), usize::from(taken));
        if let Some(patch) = patches.first() {
            let owner = patch["metadata"]["annotations"]["podlift.io/owner"].as_str().unwrap();
            assert!(owner.contains("\"r1\"") && !owner.contains("over"), "{owner}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_conflict_is_looked_at_again() {
    let patch = format!("PATCH {NODE}");
    let api =
        Played::default().node(node(false, None)).on(&patch, &[status(409, "modified"), (200, json!({}))]);
    api.act(ClusterAct::Cordon { node: dgx(), run: run(), from: None, held: vec![] }).await.unwrap();
    assert_eq!(api.bodies(&patch).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn uncordon_only_what_is_ours() {
    let patch = format!("PATCH {NODE}");
    for (object, patched) in [
        (node(true, Some(("r1", 4))), 1),
        (node(true, None), 0),
        (node(true, Some(("other", 4))), 0),
        (node(false, None), 0),
    ] {
        let api = Played::default().node(object).on(&patch, &[(200, json!({}))]);
        api.act(ClusterAct::Uncordon { node: dgx(), run: run() }).await.unwrap();
        assert_eq!(api.bodies(&patch).len(), patched);
    }
}

#[tokio::test(start_paused = true)]
async fn config_maps_tell_their_writers_and_are_written_on_top_of_what_was_read() {
    for (name, key) in [("kubeadm-config", "ClusterConfiguration"), ("kubelet-config", "kubelet")] {
        let path = format!("/api/v1/namespaces/kube-system/configmaps/{name}");
        let field = |manager: &str, time: &str| json!({"manager": manager, "time": time});
        let object = json!({
            "metadata": {"name": name, "resourceVersion": "9", "managedFields": [
                field("kubeadm", "2026-01-01T00:00:00Z"), field("cmd", "2026-11-20T22:00:00Z"),
            ]},
            "data": {key: "text"},
        });
        let api = Played::default()
            .on(&format!("GET {path}"), &[(200, object)])
            .on(&format!("PATCH {path}"), &[status(409, "modified")]);
        let (managers, write) = match name {
            "kubeadm-config" => {
                let Ok(ClusterReply::KubeadmConfig(v)) = api.look(ClusterLook::KubeadmConfig).await else {
                    panic!()
                };
                let (resource_version, text) = (v.resource_version, "new".to_string());
                (v.managers, ClusterAct::WriteKubeadmConfig { resource_version, cluster_configuration: text })
            }
            _ => {
                let Ok(ClusterReply::KubeletConfig(v)) = api.look(ClusterLook::KubeletConfig).await else {
                    panic!()
                };
                let (resource_version, text) = (v.resource_version, "new".to_string());
                (v.managers, ClusterAct::WriteKubeletConfig { resource_version, kubelet: text })
            }
        };
        assert_eq!(managers[0], "cmd at 2026-11-20T22:00:00Z");
        let failure = api.act(write).await.unwrap_err();
        assert_eq!((failure.code.as_str(), failure.class), ("api-conflict", FailureClass::Transient));
        let patch = &api.bodies(&format!("PATCH {path}"))[0];
        assert_eq!(
            (&patch["metadata"]["resourceVersion"], &patch["data"][key]),
            (&json!("9"), &json!("new"))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn lists_go_on_to_the_last_page_and_views_read_real_nodes() {
    let real: Value =
        serde_json::from_str(include_str!("../../../../tests/fixtures/kube-api/node.worker.json")).unwrap();
    let mut second = real.clone();
    second["metadata"]["name"] = json!("dgx031");
    let page = |items: Value, next: &str| (200, json!({"metadata": {"continue": next}, "items": items}));
    let api =
        Played::default().on("GET /api/v1/nodes", &[page(json!([real]), "more="), page(json!([second]), "")]);
    let Ok(ClusterReply::Nodes(nodes)) = api.look(ClusterLook::Nodes).await else { panic!() };
    assert_eq!(nodes.len(), 2);
    assert!(
        nodes[0].ready && nodes[0].cri_socket && !nodes[0].control_plane && nodes[0].kubelet.is_some(),
        "{:?}",
        nodes[0]
    );
    assert_eq!(nodes[0].labels.get("kubernetes.io/os").map(String::as_str), Some("linux"));
    assert!(
        nodes[0].runtime.as_deref().is_some_and(|r| r.starts_with("containerd://")),
        "{:?}",
        nodes[0].runtime
    );
}

#[tokio::test(start_paused = true)]
async fn an_api_that_is_away_is_transient() {
    let api = Played::default().on("GET /api/v1/nodes", &[(503, json!("no healthy upstream"))]);
    let failure = api.look(ClusterLook::Nodes).await.unwrap_err();
    assert_eq!((failure.code.as_str(), failure.class), ("api-unreachable", FailureClass::Transient));
}

#[tokio::test(start_paused = true)]
async fn lanes_that_ask_together_share_a_list_however_long_it_takes() {
    let api = Played::default().on("GET /api/v1/nodes", &[(200, json!({"metadata": {}, "items": []}))]);
    api.0.lock().unwrap().delay = Duration::from_secs(3);
    let cluster = api.cluster();
    let ask = || cluster.look(&ClusterLook::NodesLately);
    let (a, b, c) = tokio::join!(ask(), ask(), ask());
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    assert_eq!(api.bodies("GET /api/v1/nodes").len(), 1);
    // The list was requested three seconds ago, which is too old for a new caller.
    assert!(ask().await.is_ok());
    assert_eq!(api.bodies("GET /api/v1/nodes").len(), 2);
}
