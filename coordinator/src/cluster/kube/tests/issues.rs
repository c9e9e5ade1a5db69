//! The acts on known issues: what exists is never replaced, and no answer has a byte of a secret.

use super::*;
use crate::cluster::SecretCopy;
use podlift_engine::doors::RolloutKind;
use podlift_engine::issues::{Mend, raw};

const SERVICES: &str = "/api/v1/namespaces/runai/services";
const SECRETS: &str = "/api/v1/namespaces/runai/secrets";
const OPERATOR: &str = "/apis/apps/v1/namespaces/tigera-operator/deployments/tigera-operator";
const OPERATOR_PODS: &str = "/api/v1/namespaces/tigera-operator/pods";
const INSTALLATIONS: &str = "/apis/operator.tigera.io/v1/installations";

fn service(manager: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"namespace": "runai", "name": "proxy", "managedFields": [{"manager": manager}]},
        "spec": {"type": "LoadBalancer", "clusterIP": "10.96.3.4", "ports": [{"port": 443, "nodePort": 30443}]},
    })
}

fn restore() -> ClusterAct {
    let object = raw::cleaned_service(&service("helm"), &[]).unwrap();
    ClusterAct::RestoreService { object: Box::new(object), run: Some(run()) }
}

fn copy() -> SecretCopy {
    let object = json!({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
        "metadata": {"namespace": "runai", "name": "ui-tls"}, "data": {"tls.crt": "Y2VydA==", "tls.key": "c2VjcmV0LWtleQ=="}});
    SecretCopy::of(&object).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_service_is_created_from_its_cleaned_copy() {
    let api = Played::default().on(&format!("POST {SERVICES}"), &[(201, json!({}))]);
    api.act(restore()).await.unwrap();
    let [sent] = &api.bodies(&format!("POST {SERVICES}"))[..] else { panic!("one request") };
    assert_eq!(
        (&sent["spec"]["clusterIP"], &sent["spec"]["ports"][0]["nodePort"]),
        (&json!("10.96.3.4"), &json!(30443))
    );
    assert_eq!(sent["metadata"].get("managedFields"), None);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_exists_is_a_choice_unless_podlift_itself_has_created_it() {
    let there = |manager: &str| {
        Played::default()
            .on(&format!("POST {SERVICES}"), &[status(409, "services \"proxy\" already exists")])
            .on(&format!("GET {SERVICES}/proxy"), &[(200, service(manager))])
    };
    let anew = there("kubectl").act(restore()).await.unwrap_err();
    assert_eq!((anew.code.as_str(), anew.class), ("made-anew", FailureClass::Operator));
    assert!(
        anew.message.contains("to keep it") && anew.message.contains("kubectl -n runai delete service proxy"),
        "{}",
        anew.message
    );
    let ours = there("podlift").act(restore()).await.unwrap();
    assert_eq!(ours, "service runai/proxy was created again already");
    let taken = Played::default()
        .on(&format!("POST {SERVICES}"), &[status(422, "provided port is already allocated")]);
    let taken = taken.act(restore()).await.unwrap_err();
    assert!(taken.message.contains("provided port is already allocated"), "{}", taken.message);
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_exists_is_not_overwritten_and_no_text_has_its_bytes() {
    let api = Played::default()
        .on(&format!("POST {SECRETS}"), &[status(409, "secrets \"ui-tls\" already exists")])
        .on(
            &format!("GET {SECRETS}/ui-tls"),
            &[(200, json!({"metadata": {}, "data": {"tls.key": "b3RoZXI="}}))],
        );
    let failure = api.cluster().create_secret(&copy()).await.unwrap_err();
    assert_eq!(failure.code, "made-anew");
    assert!(
        !failure.message.contains("c2VjcmV0LWtleQ") && !failure.message.contains("b3RoZXI"),
        "{}",
        failure.message
    );
    let asked: Vec<String> = api.0.lock().unwrap().asked.iter().map(|(what, _)| what.clone()).collect();
    assert!(
        asked.iter().all(|what| !what.starts_with("PUT")
            && !what.starts_with("PATCH")
            && !what.starts_with("DELETE"))
    );
}

#[tokio::test(start_paused = true)]
async fn pods_are_restarted_once_a_run_by_the_annotation_of_kubectl() {
    let path = "/apis/apps/v1/namespaces/runai-backend/deployments/traefik";
    let deployment = |by: Option<&str>| {
        let annotations = by.map(|by| json!({"podlift.io/restarted-by": by}));
        json!({"metadata": {"name": "traefik", "namespace": "runai-backend", "resourceVersion": "7"},
            "spec": {"template": {"metadata": {"annotations": annotations}}}})
    };
    let act = || ClusterAct::RestartRollout {
        kind: RolloutKind::Deployment,
        namespace: "runai-backend".into(),
        name: "traefik".into(),
        run: Some(run()),
    };
    let api = |by: Option<&str>| {
        Played::default()
            .on(&format!("GET {path}"), &[(200, deployment(by))])
            .on(&format!("PATCH {path}"), &[(200, json!({}))])
    };
    let first = api(None);
    first.act(act()).await.unwrap();
    let [patch] = &first.bodies(&format!("PATCH {path}"))[..] else { panic!("one patch") };
    let annotations = &patch["spec"]["template"]["metadata"]["annotations"];
    assert_eq!(annotations["kubectl.kubernetes.io/restartedAt"], "2026-11-22T03:00:00Z");
    assert_eq!(
        (&annotations["podlift.io/restarted-by"], &patch["metadata"]["resourceVersion"]),
        (&json!("r1"), &json!("7"))
    );
    let again = api(Some("r1"));
    assert!(again.act(act()).await.unwrap().contains("already"));
    assert!(again.bodies(&format!("PATCH {path}")).is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_operator_goes_only_where_another_calico_stays() {
    let set = |owner: Option<&str>, desired: u32| {
        let owners = owner.map(|kind| json!([{"kind": kind, "name": "default"}]));
        json!({"metadata": {"namespace": "kube-system", "name": "calico-node", "ownerReferences": owners},
            "status": {"desiredNumberScheduled": desired}})
    };
    let there = (200, json!({"metadata": {"name": "tigera-operator", "namespace": "tigera-operator"}}));
    let api = |operator: &(u16, Value), sets: Vec<Value>| {
        Played::default()
            .on(&format!("GET {OPERATOR}"), std::slice::from_ref(operator))
            .on("GET /api/v1/nodes", &[(200, json!({"items": [{}], "metadata": {"remainingItemCount": 6}}))])
            .on(
                &format!("GET {INSTALLATIONS}"),
                &[(200, json!({"items": [{"metadata": {"name": "default"}}]}))],
            )
            .on("GET /apis/apps/v1/daemonsets", &[(200, json!({"items": sets}))])
            .on("GET /apis/apps/v1/deployments", &[(200, json!({"items": []}))])
            .on("GET /api/v1/pods", &[(200, json!({"items": []}))])
            .on(&format!("GET {OPERATOR_PODS}"), &[(200, json!({"items": []}))])
            .on(&format!("DELETE {OPERATOR}"), &[(200, json!({}))])
            .on(&format!("DELETE {INSTALLATIONS}/default"), &[(200, json!({}))])
    };
    let deletes = |api: &Played| -> Vec<String> {
        let state = api.0.lock().unwrap();
        state.asked.iter().map(|(what, _)| what.clone()).filter(|what| what.starts_with("DELETE")).collect()
    };
    let gone = status(404, "not found");
    for (operator, sets) in [
        (&there, vec![set(Some("Installation"), 7)]),
        (&there, vec![set(Some("Installation"), 0)]),
        // It takes the Calico of the manifests over, node by node.
        (&there, vec![set(None, 4), set(Some("Installation"), 3)]),
        // An earlier attempt ended after the operator, and before its Installation.
        (&gone, vec![set(Some("Installation"), 7)]),
    ] {
        let only = api(operator, sets);
        let refused = only.act(ClusterAct::RemoveOperator { run: None }).await.unwrap_err();
        assert_eq!((refused.code.as_str(), deletes(&only)), ("operator-owns-calico", vec![]));
    }
    let beside = api(&there, vec![set(None, 7), set(Some("Installation"), 0)]);
    let Ok(ClusterReply::Calico(view)) = beside.look(ClusterLook::Calico).await else { panic!("Calico") };
    assert_eq!(view.nodes, 7);
    let said = beside.act(ClusterAct::RemoveOperator { run: None }).await.unwrap();
    let policies = [OPERATOR.to_string(), format!("{INSTALLATIONS}/default")]
        .map(|path| beside.bodies(&format!("DELETE {path}"))[0]["propagationPolicy"].clone());
    assert_eq!(policies, ["Background", "Orphan"], "what the Installation owns stays");
    assert_eq!(deletes(&beside), [format!("DELETE {OPERATOR}"), format!("DELETE {INSTALLATIONS}/default")]);
    assert_eq!(said, format!("deleted: {}, installation default", Mend::RemoveOperator.object()));
}

/// The answers are in the order in which a removal asks.
fn half_removed(pods: &[(u16, Value)], patched: &[(u16, Value)]) -> Played {
    let all = |object: Value| (200, json!({"items": [object]}));
    let finalizers = ["orphan", "tigera.io/operator-cleanup", "operator.tigera.io/installation-controller"];
    let deleted = json!({"metadata": {"name": "default", "resourceVersion": "9", "finalizers": finalizers,
        "deletionTimestamp": "2026-11-22T03:00:00Z"}});
    let set = json!({"metadata": {"namespace": "kube-system", "name": "calico-node"},
        "status": {"desiredNumberScheduled": 7}});
    Played::default()
        .on(&format!("GET {INSTALLATIONS}"), &[all(deleted)])
        .on("GET /api/v1/nodes", &[(200, json!({"items": []}))])
        .on("GET /apis/apps/v1/daemonsets", &[all(set)])
        .on("GET /apis/apps/v1/deployments", &[(200, json!({"items": []}))])
        .on("GET /api/v1/pods", &[(200, json!({"items": []}))])
        .on(&format!("GET {OPERATOR_PODS}"), pods)
        .on(&format!("DELETE {INSTALLATIONS}/default"), &[(200, json!({}))])
        .on(&format!("PATCH {INSTALLATIONS}/default"), patched)
}

#[tokio::test(start_paused = true)]
async fn finalizers_of_the_operator_go_after_its_last_pod_and_others_stay() {
    let pod = (200, json!({"items": [{"metadata": {"name": "tigera-operator-x"}}]}));
    let none = (200, json!({"items": []}));
    let conflict = status(409, "the object has been modified");
    let api = half_removed(&[pod.clone(), none], &[conflict, (200, json!({}))]);
    api.act(ClusterAct::RemoveOperator { run: None }).await.unwrap();
    let patches = api.bodies(&format!("PATCH {INSTALLATIONS}/default"));
    let wanted = json!({"metadata": {"resourceVersion": "9", "finalizers": ["orphan"]}});
    assert_eq!(patches, [wanted.clone(), wanted], "a conflict is followed by another look");
    let runs = half_removed(&[pod], &[(200, json!({}))]);
    let why = runs.act(ClusterAct::RemoveOperator { run: None }).await.unwrap_err();
    assert_eq!((why.code.as_str(), why.class), ("operator-runs", FailureClass::Transient));
    assert!(runs.bodies(&format!("DELETE {INSTALLATIONS}/default")).is_empty(), "it would still act on it");
}

#[tokio::test(start_paused = true)]
async fn a_test_pod_and_claims_are_swept_also_after_a_failure() {
    let pods = "/api/v1/namespaces/podlift/pods";
    let api = Played::default()
        .on(
            &format!("GET {pods}"),
            &[(200, json!({"items": [{"metadata": {"name": "podlift-validate-dns"}}]}))],
        )
        .on("GET /api/v1/namespaces/podlift/persistentvolumeclaims", &[(200, json!({"items": []}))])
        .on(&format!("DELETE {pods}/podlift-validate-dns"), &[(200, json!({}))])
        .on(&format!("POST {pods}"), &[status(403, "pods is forbidden")]);
    let cluster = api.cluster();
    let why = super::super::dns::ask(&cluster.api, Some("image")).await.unwrap_err();
    assert!(why.contains("pods is forbidden") && why.contains("rbac.yaml"), "{why}");
    assert_eq!(
        api.bodies(&format!("DELETE {pods}/podlift-validate-dns")).len(),
        1,
        "what an earlier one has left"
    );
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_is_refused_says_nothing_of_its_class() {
    let claims = "/api/v1/namespaces/podlift/persistentvolumeclaims";
    let class = json!({"metadata": {"name": "fast"}, "provisioner": "csi.weka.io"});
    for (code, why) in [(409, "object is being deleted"), (403, "exceeded quota")] {
        let api = Played::default()
            .on("GET /api/v1/namespaces/podlift/pods", &[(200, json!({"items": []}))])
            .on(&format!("GET {claims}"), &[(200, json!({"items": []}))])
            .on("GET /apis/storage.k8s.io/v1/storageclasses", &[(200, json!({"items": [class.clone()]}))])
            .on(&format!("POST {claims}"), &[status(code, why)]);
        let cluster = api.cluster();
        for _ in 0..2 {
            let seen = super::super::storage::claims(&cluster.api, None).await.unwrap();
            assert!(seen[0].skipped.as_ref().is_some_and(|said| said.contains(why)), "{seen:?}");
        }
        let sent = api.bodies(&format!("POST {claims}"));
        assert_ne!(
            sent[0]["metadata"]["name"], sent[1]["metadata"]["name"],
            "each validation has names of its own"
        );
    }
}
