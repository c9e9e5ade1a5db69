//! The survey against a fake API, with objects as real servers write them. Each test removes one part.

mod affinity;
mod gangs;
mod objects;
mod outside;
mod pod_groups;
mod stored;

use super::{Sources, survey};
use crate::cluster::kube::api::Api;
use crate::cluster::{Certificates, Servers};
use async_trait::async_trait;
use http::{Request, Response};
use kube::client::Body;
use podlift_engine::survey::{Certificate, ClusterSurvey};
use podlift_model::survey::Seen;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SERVER: &str = "10.77.0.11:6443";
/// What a site may name in its policy.
const MARKS: [&str; 3] = [
    "podlift.io/never-interrupt=true",
    "cluster-autoscaler.kubernetes.io/safe-to-evict=false",
    "karpenter.sh/do-not-disrupt=true",
];

/// Answers by path; every other path is 404. A path includes the host if the server is not the proxy.
#[derive(Clone, Default)]
struct Played(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    answers: BTreeMap<String, (u16, String)>,
    asked: Vec<String>,
}

impl Played {
    fn on(self, path: &str, body: Value) -> Self {
        self.text(path, 200, &body.to_string())
    }

    fn list(self, path: &str, items: &[Value]) -> Self {
        self.on(path, json!({"metadata": {"resourceVersion": "1"}, "items": items}))
    }

    fn text(self, path: &str, code: u16, text: &str) -> Self {
        self.0.lock().unwrap().answers.insert(path.into(), (code, text.into()));
        self
    }

    fn asked(&self) -> Vec<String> {
        self.0.lock().unwrap().asked.clone()
    }

    fn client(&self, host: &str) -> kube::Client {
        let (played, host) = (self.clone(), host.to_string());
        let service = tower::service_fn(move |request: Request<Body>| {
            let path = format!("{host}{}", request.uri().path());
            let mut state = played.0.lock().unwrap();
            state.asked.push(format!("{host}{}", request.uri()));
            let missing = (404, json!({"kind": "Status", "code": 404}).to_string());
            let (code, text) = state.answers.get(&path).cloned().unwrap_or(missing);
            let response = Response::builder().status(code).body(Body::from(text.into_bytes()));
            async move { Ok::<_, Box<dyn std::error::Error + Send + Sync>>(response?) }
        });
        kube::Client::new(service, "default")
    }

    async fn survey(&self) -> ClusterSurvey {
        let api = Api::new(self.client(""), Duration::from_secs(5));
        let from = Sources {
            api: &api,
            servers: self,
            certificates: &Wildcard,
            never_interrupt: &MARKS.map(String::from),
        };
        survey(&from, &[SERVER.to_string()]).await
    }
}

impl Servers for Played {
    fn at(&self, endpoint: &str) -> Result<kube::Client, String> {
        Ok(self.client(endpoint))
    }
}

/// Presents the same certificate to every client.
struct Wildcard;

#[async_trait]
impl Certificates for Wildcard {
    async fn served(&self, address: &str, _name: &str) -> Seen<Certificate> {
        match address.starts_with("10.77.0.99") {
            true => Err("connection refused".into()),
            false => Ok(podlift_engine::testing::survey::certificate("aa")),
        }
    }
}

/// A cluster of 1.31 in which every part can be read and is empty.
fn empty() -> Played {
    let lists = [
        "/api/v1/pods",
        "/api/v1/nodes",
        "/api/v1/services",
        "/apis/policy/v1/poddisruptionbudgets",
        "/apis/networking.k8s.io/v1/ingresses",
        "/apis/node.k8s.io/v1/runtimeclasses",
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    ];
    let maps = "/api/v1/namespaces/kube-system/configmaps";
    lists
        .iter()
        .fold(Played::default(), |played, path| played.list(path, &[]))
        .on("/version", json!({"major": "1", "minor": "31", "gitVersion": "v1.31.9"}))
        .on(&format!("{maps}/kubelet-config"), json!({"data": {"kubelet": "maxPods: 250\n"}}))
        .text(&format!("{SERVER}/metrics"), 200, "# HELP x\n")
}

#[tokio::test(start_paused = true)]
async fn an_empty_cluster_is_seen_and_not_unseen() {
    let seen = empty().survey().await;
    assert_eq!(
        (seen.pods, seen.budgets, seen.tigera, seen.stored),
        (Ok(vec![]), Ok(vec![]), Ok(vec![]), Ok(vec![]))
    );
    assert_eq!((seen.kubelet_config, seen.kube_proxy_config), (Ok("maxPods: 250\n".into()), Ok(None)));
    assert_eq!(seen.deprecated, BTreeMap::from([(SERVER.into(), Ok(vec![]))]));
    assert_eq!(seen.core_dns, Ok(None));
}

#[tokio::test(start_paused = true)]
async fn core_dns_is_told_with_its_image_and_its_corefile() {
    let container = |name: &str, image: &str| json!({"name": name, "image": image});
    let of = |containers: Value| json!({"spec": {"template": {"spec": {"containers": containers}}}});
    let deployment = "/apis/apps/v1/namespaces/kube-system/deployments/coredns";
    let map = "/api/v1/namespaces/kube-system/configmaps/coredns";
    let corefile = ".:53 {\n    errors\n    federation cluster.local\n}\n";
    let pods = of(json!([
        container("cache", "x:1"),
        container("coredns", "registry.k8s.io/coredns/coredns:v1.11.3")
    ]));
    let both = empty().on(deployment, pods.clone()).on(map, json!({"data": {"Corefile": corefile}}));
    let seen = both.survey().await.core_dns.unwrap().unwrap();
    assert_eq!(
        (seen.image.as_str(), seen.corefile.as_str()),
        ("registry.k8s.io/coredns/coredns:v1.11.3", corefile)
    );
    assert_eq!(empty().on(deployment, pods.clone()).survey().await.core_dns, Ok(None), "no ConfigMap");
    let odd = empty().on(deployment, pods).on(map, json!({"data": {"other": ""}})).survey().await;
    assert!(odd.core_dns.unwrap_err().contains("has no Corefile"));
}

#[tokio::test(start_paused = true)]
async fn each_part_fails_alone_and_says_why() {
    let refused = json!({"kind": "Status", "code": 403, "message": "is forbidden"}).to_string();
    let failing = |path: &str| empty().text(path, 403, &refused);
    let whole = |s: &ClusterSurvey| {
        [
            s.pods.is_ok(),
            s.budgets.is_ok(),
            s.load_balancers.is_ok(),
            s.ingresses.is_ok(),
            s.kubelet_config.is_ok(),
            s.kube_proxy_config.is_ok(),
            s.stored.is_ok(),
            s.tigera.is_ok(),
            s.runtime_classes.is_ok(),
            s.hardware.is_ok(),
            s.core_dns.is_ok(),
        ]
    };
    let paths = [
        "/api/v1/pods",
        "/apis/policy/v1/poddisruptionbudgets",
        "/api/v1/services",
        "/apis/networking.k8s.io/v1/ingresses",
        "/api/v1/namespaces/kube-system/configmaps/kubelet-config",
        "/api/v1/namespaces/kube-system/configmaps/kube-proxy",
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
        "/apis/operator.tigera.io/v1/tigerastatuses",
        "/apis/node.k8s.io/v1/runtimeclasses",
        "/api/v1/nodes",
        "/apis/apps/v1/namespaces/kube-system/deployments/coredns",
    ];
    for (i, path) in paths.iter().enumerate() {
        let seen = failing(path).survey().await;
        let expected: Vec<bool> = (0..paths.len()).map(|n| n != i).collect();
        assert_eq!(whole(&seen).to_vec(), expected, "{path}");
    }
    let why = failing(paths[0]).survey().await.pods.unwrap_err();
    assert!(why.contains("403: is forbidden") && why.contains("roles"), "{why}");
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_none_is_not_an_empty_one() {
    let seen = empty().text("/api/v1/pods", 200, "<html>it works</html>").survey().await;
    assert!(seen.pods.unwrap_err().contains("can't be read"));
}
