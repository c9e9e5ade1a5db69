//! Drains: what goes, what forbids it, what holds it up.

use crate::cluster_adapter::admin::owned;
use crate::cluster_adapter::target::{Target, epoch, node, run};
use podlift_coordinator::Cluster as _;
use podlift_engine::{ClusterAct, ClusterLook, ClusterReply};
use podlift_model::{Failure, FailureClass};
use serde_json::json;
use std::time::Duration;

/// Of a node that the run cordons first.
async fn drain(t: &Target, name: &str, seconds: u32) -> Result<String, Failure> {
    let cluster = t.cluster();
    let cordon = ClusterAct::Cordon { node: node(name), run: run("r1"), from: None, held: vec![] };
    cluster.act(&cordon, &epoch(5)).await?;
    let drain = ClusterAct::Drain { node: node(name), run: run("r1"), seconds, options: Default::default() };
    cluster.act(&drain, &epoch(5)).await
}

async fn gone(t: &Target, namespace: &str, pod: &str) -> bool {
    t.admin().get(&format!("/api/v1/namespaces/{namespace}/pods/{pod}")).await == Err(404)
}

pub async fn pods_are_sorted(t: &Target) {
    let admin = t.admin();
    admin.node("sort-1").await;
    admin.namespace("sort").await;
    let template = json!({"metadata": {"labels": {"app": "ds"}}, "spec": {"containers": [{"name": "c", "image": "registry.k8s.io/pause:3.10"}]}});
    let set = json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "ds"},
        "spec": {"selector": {"matchLabels": {"app": "ds"}}, "template": template}});
    admin.put("/apis/apps/v1/namespaces/sort/daemonsets", set).await;
    let mirror = json!({"metadata": {"annotations": {"kubernetes.io/config.mirror": "x", "kubernetes.io/config.source": "file"}}});
    let mut scratch = owned("Job", "j");
    scratch["spec"] = json!({"volumes": [{"name": "e", "emptyDir": {}}]});
    for (name, extra) in [
        ("web", owned("ReplicaSet", "web")),
        ("ds-1", owned("DaemonSet", "ds")),
        ("scratch", scratch),
        ("static", mirror),
    ] {
        admin.pod("sort", name, "sort-1", extra).await;
    }
    admin.pod("sort", "elsewhere", "sort-2", owned("ReplicaSet", "web")).await;
    let look = ClusterLook::PodsToEvict { node: node("sort-1"), options: Default::default() };
    let ClusterReply::Pods(view) = t.cluster().look(&look).await.unwrap() else { panic!() };
    let mut evict = view.evict;
    evict.sort();
    assert_eq!((evict, view.refused), (vec!["sort/scratch".to_string(), "sort/web".to_string()], vec![]));
}

pub async fn bare_pods_forbid_a_drain(t: &Target) {
    let admin = t.admin();
    admin.node("bare-1").await;
    admin.namespace("bare").await;
    admin.pod("bare", "alone", "bare-1", json!({})).await;
    admin.pod("bare", "web", "bare-1", owned("ReplicaSet", "web")).await;
    let refused = drain(t, "bare-1", 30).await.unwrap_err();
    assert_eq!(refused.code, "drain-refused");
    assert!(refused.message.contains("bare/alone"), "{}", refused.message);
    assert!(!gone(t, "bare", "web").await, "nothing is evicted");
}

pub async fn a_drain_waits_for_its_budget(t: &Target) {
    let admin = t.admin();
    admin.node("wait-1").await;
    admin.namespace("wait").await;
    admin.pod("wait", "web", "wait-1", owned("ReplicaSet", "web")).await;
    admin.pod("wait", "free", "wait-1", owned("ReplicaSet", "free")).await;
    admin.budget("wait", "web", "web", 1, 0).await;
    let kubelet = admin.kubelet("wait-1");
    let relax = async {
        // The free pod is gone: the drain has begun, and the budget was asked with it.
        while !gone(t, "wait", "free").await {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert!(!gone(t, "wait", "web").await);
        let path = "/apis/policy/v1/namespaces/wait/poddisruptionbudgets/web";
        let relaxed = admin.merge(path, json!({"spec": {"minAvailable": 0}})).await;
        admin.allow("wait", "web", 1, &relaxed["metadata"]["generation"]).await;
    };
    let (drained, ()) = tokio::join!(drain(t, "wait-1", 60), relax);
    kubelet.abort();
    drained.unwrap();
    assert!(gone(t, "wait", "web").await);
}

pub async fn a_budget_that_holds_is_named(t: &Target) {
    let admin = t.admin();
    admin.node("hold-1").await;
    admin.namespace("hold").await;
    admin.pod("hold", "web", "hold-1", owned("ReplicaSet", "web")).await;
    admin.budget("hold", "keep-web", "web", 1, 0).await;
    let held = drain(t, "hold-1", 7).await.unwrap_err();
    assert_eq!((held.code.as_str(), held.class), ("drain-blocked", FailureClass::Operator));
    assert!(held.message.contains("hold/web") && held.message.contains("keep-web"), "{}", held.message);
    assert!(!gone(t, "hold", "web").await);
}

pub async fn two_budgets_are_a_failure(t: &Target) {
    let admin = t.admin();
    admin.node("two-1").await;
    admin.namespace("two").await;
    admin.pod("two", "web", "two-1", owned("ReplicaSet", "web")).await;
    admin.budget("two", "a", "web", 0, 1).await;
    admin.budget("two", "b", "web", 0, 1).await;
    let failed = drain(t, "two-1", 30).await.unwrap_err();
    assert_eq!(failed.code, "eviction-failed");
    assert!(failed.message.contains("more than one PodDisruptionBudget"), "{}", failed.message);
}
