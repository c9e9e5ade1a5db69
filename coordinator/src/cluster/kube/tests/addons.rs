//! How far CoreDNS and kube-proxy are rolled out, by the status of their controllers and by the pods of each node.

use super::{Played, node, pod};
use podlift_engine::doors::{AddonsView, RolloutKind};
use podlift_engine::{ClusterLook, ClusterReply};
use serde_json::{Value, json};

const SET: &str = "GET /apis/apps/v1/namespaces/kube-system/daemonsets/kube-proxy";
const DNS: &str = "GET /apis/apps/v1/namespaces/kube-system/deployments/coredns";
const PODS: &str = "GET /api/v1/namespaces/kube-system/pods";

fn set(status: Value) -> Value {
    let containers = json!([{"name": "kube-proxy", "image": "registry.k8s.io/kube-proxy:v1.32.9"}]);
    let annotations = json!({"deprecated.daemonset.template.generation": "5"});
    json!({
        "metadata": {"namespace": "kube-system", "name": "kube-proxy", "generation": 5, "annotations": annotations},
        "spec": {
            "selector": {"matchLabels": {"k8s-app": "kube-proxy"}},
            "template": {"spec": {"containers": containers, "nodeSelector": {"kubernetes.io/os": "linux"}}},
        },
        "status": status,
    })
}

fn proxy(node: &str, generation: &str, ready: bool) -> Value {
    let mut out = pod(&format!("kube-proxy-{node}"), None);
    out["metadata"]["namespace"] = "kube-system".into();
    out["metadata"]["labels"] = json!({"k8s-app": "kube-proxy", "pod-template-generation": generation});
    out["metadata"]["ownerReferences"] =
        json!([{"kind": "DaemonSet", "name": "kube-proxy", "controller": true}]);
    out["spec"]["nodeName"] = node.into();
    out["status"]["conditions"] = json!([{"type": "Ready", "status": if ready { "True" } else { "False" }}]);
    out
}

async fn addons(played: &Played) -> AddonsView {
    match played.look(ClusterLook::Addons).await.unwrap() {
        ClusterReply::Addons(view) => view,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn nodes_with_an_old_an_unready_or_no_kube_proxy_are_named() {
    let status = json!({"observedGeneration": 5, "desiredNumberScheduled": 4, "updatedNumberScheduled": 2, "numberAvailable": 3});
    let linux = |name: &str| {
        let mut object = node(false, None);
        object["metadata"]["name"] = name.into();
        object["metadata"]["labels"] = json!({"kubernetes.io/os": "linux"});
        object
    };
    let nodes: Vec<Value> = ["dgx030", "dgx031", "dgx032", "dgx033"].map(linux).to_vec();
    let pods = [proxy("dgx030", "5", true), proxy("dgx031", "4", true), proxy("dgx032", "5", false)];
    let played = || {
        Played::default()
            .on(SET, &[(200, set(status.clone()))])
            .on(PODS, &[(200, json!({"metadata": {}, "items": pods}))])
            .on("GET /api/v1/nodes", &[(200, json!({"metadata": {}, "items": nodes}))])
    };
    let rollout = addons(&played()).await.kube_proxy_rollout.unwrap();
    let (namespace, name) = ("kube-system".into(), "kube-proxy".into());
    let look = ClusterLook::Rollout { kind: RolloutKind::DaemonSet, namespace, name };
    assert_eq!(played().look(look).await.unwrap(), ClusterReply::Rollout(Some(rollout.clone())));
    assert_eq!((rollout.observed, rollout.desired, rollout.updated, rollout.available), (true, 4, 2, 3));
    let unready: Vec<&str> = rollout.unready_nodes.iter().map(|n| n.as_str()).collect();
    assert_eq!(unready, ["dgx031", "dgx032", "dgx033"]);
}

#[tokio::test(start_paused = true)]
async fn a_rollout_that_is_complete_costs_no_list_of_pods_and_an_old_status_is_not_believed() {
    let status = |observed: u32| json!({"observedGeneration": observed, "desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": 3});
    let whole = Played::default().on(SET, &[(200, set(status(5)))]);
    let rollout = addons(&whole).await.kube_proxy_rollout.unwrap();
    assert!(rollout.observed && rollout.unready_nodes.is_empty());
    assert!(whole.bodies(PODS).is_empty(), "the counts are enough");
    let empty = json!({"metadata": {}, "items": []});
    let old = Played::default().on(SET, &[(200, set(status(4)))]).on(PODS, &[(200, empty.clone())]);
    let old = old.on("GET /api/v1/nodes", &[(200, empty)]);
    assert!(!addons(&old).await.kube_proxy_rollout.unwrap().observed);
}

#[tokio::test(start_paused = true)]
async fn a_deployment_counts_its_replicas_and_one_without_a_status_has_not_been_seen() {
    let deployment =
        |status: Value| json!({"metadata": {"generation": 2}, "spec": {"replicas": 2}, "status": status});
    let seen = json!({"observedGeneration": 2, "replicas": 3, "updatedReplicas": 1, "availableReplicas": 2});
    let rollout =
        addons(&Played::default().on(DNS, &[(200, deployment(seen))])).await.coredns_rollout.unwrap();
    assert_eq!((rollout.observed, rollout.desired, rollout.updated, rollout.available), (true, 2, 1, 2));
    let fresh = addons(&Played::default().on(DNS, &[(200, deployment(json!({})))])).await;
    assert!(!fresh.coredns_rollout.unwrap().observed);
    let no_status = Played::default()
        .on(DNS, &[(200, deployment(Value::Null))])
        .on(SET, &[(200, set(Value::Null))])
        .on(PODS, &[(200, json!({"metadata": {"resourceVersion": "1"}, "items": []}))]);
    let unseen = addons(&no_status).await;
    assert!(!unseen.coredns_rollout.unwrap().observed && !unseen.kube_proxy_rollout.unwrap().observed);
    let none = addons(&Played::default()).await;
    assert_eq!((none.coredns_rollout, none.kube_proxy_rollout), (None, None));
}
