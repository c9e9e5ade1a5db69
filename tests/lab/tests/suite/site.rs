//! What the runbook's cluster has beside Kubernetes is as unkind as there: a service that comes back gets what it asks for or another
//! address, a webhook without pods refuses, Calico's controllers come and go beside Tigera's operator, and a restart makes new pods.

use http::{Method, Request};
use http_body_util::BodyExt as _;
use podlift_lab::api::{Caller, handle};
use podlift_lab::objects::Key;
use podlift_lab::world::Trace;
use podlift_lab::{Shape, World};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

const SERVICES: &str = "/api/v1/namespaces/ingress-nginx/services";
const SERVICE: &str = "ingress-nginx-controller";

fn world() -> Arc<World> {
    let world = World::new(Shape { runbook: true, ..Shape::default() });
    world.start();
    world
}

async fn settle() {
    tokio::time::sleep(Duration::from_secs(30)).await;
}

/// Status code and body.
async fn asked(world: &Arc<World>, method: Method, path: &str, body: &Value) -> (u16, Value) {
    let kind = if method == Method::PATCH { "application/merge-patch+json" } else { "application/json" };
    let request = Request::builder().method(method).uri(path).header("content-type", kind);
    let request = request.body(bytes::Bytes::from(body.to_string())).unwrap();
    let reply = handle(world, "runai-01", &Caller(Some("ann".into())), request).await.unwrap();
    let (parts, body) = reply.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    (parts.status.as_u16(), serde_json::from_slice(&bytes).unwrap_or_default())
}

async fn create(world: &Arc<World>, path: &str, body: &Value) -> (u16, Value) {
    asked(world, Method::POST, path, body).await
}

fn service_key() -> Key {
    Key::new("", "services", "ingress-nginx", SERVICE)
}

fn addresses(world: &World) -> Vec<String> {
    let s = world.lock();
    let service = s.api.get(&service_key()).unwrap();
    podlift_lab::world::balancers::addresses(service).map(String::from).collect()
}

/// As a careful person cleans the copy of a service.
fn cleaned(world: &World) -> Value {
    let v = world.lock().api.get(&service_key()).unwrap().clone();
    json!({"apiVersion": "v1", "kind": "Service", "spec": v["spec"],
        "metadata": {"name": SERVICE, "namespace": "ingress-nginx", "labels": v["metadata"]["labels"]}})
}

/// Names of what an event was about, by reason.
fn said(world: &World, reason: &str) -> Vec<String> {
    let s = world.lock();
    let mine = s.api.of("", "events").filter(|(_, v)| v["reason"] == reason);
    mine.map(|(_, v)| v["involvedObject"]["name"].as_str().unwrap_or_default().to_string()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_service_that_comes_back_has_its_old_address_only_with_a_pin() {
    let world = world();
    settle().await;
    let (was, copy) = (addresses(&world), cleaned(&world));
    assert_eq!(was, [world.shape.ingress_address()]);
    for (pinned, same) in [(false, false), (true, true)] {
        assert!(world.lose(&service_key(), &Trace { by: Some("cm-kubernetes-setup".into()), event: true }));
        let mut wanted = copy.clone();
        if pinned {
            wanted["metadata"]["annotations"]["metallb.io/loadBalancerIPs"] = json!(was[0]);
        }
        let (dry, _) = create(&world, &format!("{SERVICES}?dryRun=All"), &wanted).await;
        assert_eq!(
            (dry, world.lock().api.get(&service_key()).is_some()),
            (201, false),
            "a dry run makes nothing"
        );
        let (code, made) = create(&world, SERVICES, &wanted).await;
        assert_eq!(
            (code, &made["spec"]["clusterIP"], &made["spec"]["ports"]),
            (201, &copy["spec"]["clusterIP"], &copy["spec"]["ports"])
        );
        settle().await;
        assert_eq!(addresses(&world) == was, same, "pinned {pinned}: {:?}", addresses(&world));
    }
    assert!(said(&world, "Deleted").contains(&SERVICE.to_string()));
}

/// As the real server: addresses and ports are taken before the name is looked at.
#[tokio::test(start_paused = true)]
async fn a_service_that_exists_is_refused_by_its_address_or_by_its_name() {
    let world = world();
    settle().await;
    let mut again = cleaned(&world);
    let (code, why) = create(&world, SERVICES, &again).await;
    assert_eq!(code, 422, "{why}");
    assert!(why["message"].as_str().unwrap().contains("provided IP is already allocated"), "{why}");
    let spec = again["spec"].as_object_mut().unwrap();
    spec.remove("clusterIP");
    spec.remove("clusterIPs");
    again["spec"]["ports"][0].as_object_mut().unwrap().remove("nodePort");
    assert_eq!(create(&world, SERVICES, &again).await.0, 409);
}

#[tokio::test(start_paused = true)]
async fn without_a_pool_a_service_waits_and_an_event_says_why() {
    let world = world();
    settle().await;
    let copy = cleaned(&world);
    world.update(|s| s.balancers.pool = None);
    assert!(world.lose(&service_key(), &Trace::default()));
    assert_eq!(create(&world, SERVICES, &copy).await.0, 201);
    settle().await;
    assert_eq!(addresses(&world), Vec::<String>::new());
    assert_eq!(said(&world, "AllocationFailed"), [SERVICE]);
}

/// Pods of Calico's controllers that were there in this time.
async fn controllers_seen(world: &World, seconds: u64) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    for _ in 0..seconds {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let s = world.lock();
        let mine =
            s.api.pods_in("kube-system").filter(|(k, _)| k.name.starts_with("calico-kube-controllers"));
        seen.extend(mine.map(|(k, _)| k.name.clone()));
    }
    seen
}

#[tokio::test(start_paused = true)]
async fn calicos_controllers_come_and_go_as_long_as_the_operator_is_there() {
    let world = world();
    assert_eq!(controllers_seen(&world, 120).await.len(), 1);
    world.install_tigera();
    assert!(controllers_seen(&world, 120).await.len() >= 4);
    let path = "/apis/apps/v1/namespaces/tigera-operator/deployments/tigera-operator";
    assert_eq!(asked(&world, Method::DELETE, path, &json!({})).await.0, 200);
    assert!(!world.has_tigera());
    settle().await;
    assert_eq!(controllers_seen(&world, 120).await.len(), 1, "the network is at rest again");
}

/// Uids of the pods of a namespace whose names begin so, and whether all are ready.
fn pods(world: &World, namespace: &str, prefix: &str) -> (BTreeSet<String>, bool) {
    let s = world.lock();
    let mine = s.api.pods_in(namespace).filter(|(k, _)| k.name.starts_with(prefix));
    let uid = |v: &Value| v["metadata"]["uid"].as_str().unwrap().to_string();
    let ready = |v: &Value| {
        v["status"]["conditions"]
            .as_array()
            .unwrap()
            .iter()
            .any(|c| c["type"] == "Ready" && c["status"] == "True")
    };
    let all: Vec<_> = mine.map(|(_, v)| (uid(v), ready(v))).collect();
    (all.iter().map(|(uid, _)| uid.clone()).collect(), all.iter().all(|(_, ready)| *ready))
}

#[tokio::test(start_paused = true)]
async fn a_restart_makes_every_pod_anew() {
    let world = world();
    settle().await;
    let restart = json!({"spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "2025-10-20T16:00:00Z"}}}}});
    for (kind, namespace, name) in
        [("deployments", "runai", "cluster-sync"), ("daemonsets", "kube-system", "calico-node")]
    {
        let before = pods(&world, namespace, name).0;
        let path = format!("/apis/apps/v1/namespaces/{namespace}/{kind}/{name}");
        assert_eq!(asked(&world, Method::PATCH, &format!("{path}?dryRun=All"), &restart).await.0, 200);
        settle().await;
        assert_eq!(pods(&world, namespace, name).0, before, "a dry run changes nothing");
        assert_eq!(asked(&world, Method::PATCH, &path, &restart).await.0, 200);
        settle().await;
        let (after, ready) = pods(&world, namespace, name);
        assert!(
            ready && after.len() == before.len() && after.is_disjoint(&before),
            "{name}: {before:?} {after:?}"
        );
        let (_, v) = asked(&world, Method::GET, &path, &Value::Null).await;
        assert_eq!(v["status"]["observedGeneration"], v["metadata"]["generation"], "{v}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_claim_is_bound_by_its_class_and_its_volume_goes_with_it() {
    let world = world();
    settle().await;
    let path = "/api/v1/namespaces/default/persistentvolumeclaims";
    let claim = |name: &str, class: &str| {
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": "default"},
            "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": class, "resources": {"requests": {"storage": "1Gi"}}}})
    };
    for (name, class, phase) in [("good", "cephfs", "Bound"), ("bad", "gone", "Pending")] {
        let (code, made) = create(&world, path, &claim(name, class)).await;
        assert_eq!((code, &made["status"]["phase"]), (201, &json!("Pending")));
        settle().await;
        let (_, v) = asked(&world, Method::GET, &format!("{path}/{name}"), &Value::Null).await;
        assert_eq!(v["status"]["phase"], phase, "{v}");
    }
    assert_eq!(said(&world, "ProvisioningFailed"), ["bad"]);
    assert_eq!(asked(&world, Method::DELETE, &format!("{path}/good"), &json!({})).await.0, 200);
    settle().await;
    assert_eq!(world.lock().api.of("", "persistentvolumes").count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_asks_for_a_name_ends_with_the_answer_of_the_dns_servers() {
    let world = world();
    settle().await;
    let path = "/api/v1/namespaces/default/pods";
    let pod = |name: &str| {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default", "labels": {"podlift.io/validate": "dns"}},
            "spec": {"restartPolicy": "Never", "containers": [{"name": "ask", "image": "registry.k8s.io/coredns/coredns:v1.11.3"}]}})
    };
    assert_eq!(create(&world, path, &pod("first")).await.0, 201);
    settle().await;
    let phase =
        |name: &str| world.lock().api.get(&Key::pod("default", name)).unwrap()["status"]["phase"].clone();
    assert_eq!(phase("first"), "Succeeded");
    world.update(|s| {
        s.api.change(&Key::new("apps", "deployments", "kube-system", "coredns"), |v| {
            v["spec"]["replicas"] = json!(0)
        })
    });
    settle().await;
    assert_eq!(create(&world, path, &pod("second")).await.0, 201);
    settle().await;
    assert_eq!(phase("second"), "Failed");
}

#[tokio::test(start_paused = true)]
async fn a_webhook_without_a_pod_refuses_what_its_rules_cover() {
    let world = world();
    settle().await;
    let rules = json!([{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}]);
    world.update(|s| {
        let key = Key::new(
            "admissionregistration.k8s.io",
            "validatingwebhookconfigurations",
            "",
            "metallb-webhook-configuration",
        );
        s.api.change(&key, |v| v["webhooks"][0]["rules"] = rules).unwrap();
    });
    let map = |name: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}});
    let path = "/api/v1/namespaces/default/configmaps";
    assert_eq!(create(&world, path, &map("a")).await.0, 201);
    world.update(|s| {
        s.api.change(&Key::new("apps", "deployments", "metallb-system", "metallb-controller"), |v| {
            v["spec"]["replicas"] = json!(0)
        })
    });
    settle().await;
    let (code, why) = create(&world, path, &map("b")).await;
    assert_eq!(code, 500, "{why}");
    assert!(
        why["message"]
            .as_str()
            .unwrap()
            .contains("no endpoints available for service \"metallb-webhook-service\""),
        "{why}"
    );
    assert_eq!(
        create(&world, SERVICES, &cleaned(&world)).await.0,
        422,
        "other resources are none of its business"
    );
}

#[tokio::test(start_paused = true)]
async fn a_service_has_slices_with_its_pods() {
    let world = world();
    settle().await;
    let s = world.lock();
    let slice =
        s.api.of("discovery.k8s.io", "endpointslices").find(|(k, _)| k.name.starts_with(SERVICE)).unwrap().1;
    let ready =
        slice["endpoints"].as_array().unwrap().iter().filter(|e| e["conditions"]["ready"] == true).count();
    assert_eq!(ready, 2, "{slice}");
}
