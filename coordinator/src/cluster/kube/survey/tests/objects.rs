//! The fields that the survey keeps of each kind of object.

use super::empty;
use podlift_engine::survey::{PodView, Selector};
use podlift_model::NodeName;
use serde_json::{Value, json};

fn fixture(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_real_pod_that_crash_loops_is_seen_as_one() {
    let real =
        fixture(include_str!("../../../../../../tests/fixtures/kube-api/pod.crash-looping-apiserver.json"));
    let pods = empty().list("/api/v1/pods", std::slice::from_ref(&real)).survey().await.pods.unwrap();
    let [pod] = pods.as_slice() else { panic!("{pods:?}") };
    let restarts = real["status"]["containerStatuses"][0]["restartCount"].as_u64().unwrap() as u32;
    assert_eq!((pod.phase.as_str(), pod.ready, pod.mirror), ("Running", false, true));
    assert_eq!((pod.waiting.as_deref(), pod.restarts), (Some("CrashLoopBackOff"), restarts));
    assert_eq!(pod.last_exit.as_deref(), Some("exit code 1 (Error)"));
    assert_eq!(pod.owner.as_deref(), Some("Node/runai-01"));
}

fn pod(extra: Value) -> Value {
    let mut pod = json!({
        "metadata": {"name": "p", "namespace": "runai-team", "labels": {"app": "p"}, "annotations": null, "ownerReferences": null},
        "spec": {"nodeName": "dgx030", "containers": [{"name": "c", "resources": {}}]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    });
    json_patch(&mut pod, &extra);
    pod
}

/// Objects are merged, everything else is replaced.
fn json_patch(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                json_patch(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from.clone(),
    }
}

pub(super) async fn view(extra: Value) -> PodView {
    empty().list("/api/v1/pods", &[pod(extra)]).survey().await.pods.unwrap().remove(0)
}

#[tokio::test(start_paused = true)]
async fn a_pod_tells_what_a_drain_takes_with_it() {
    let plain = view(json!({})).await;
    assert_eq!((plain.gpus, plain.gang.as_deref(), plain.owner.as_deref()), (0, None, None));
    assert!(plain.ready && !plain.mirror && !plain.finished && plain.empty_dirs.is_empty());
    assert_eq!(plain.node, Some(NodeName::new("dgx030").unwrap()));
    let owner = json!([{"kind": "DaemonSet", "name": "x"}, {"kind": "StatefulSet", "name": "db", "controller": true}]);
    let rich = view(json!({
        "metadata": {"annotations": {"pod-group-name": "pg-1"}, "ownerReferences": owner},
        "spec": {
            "volumes": [{"name": "scratch", "emptyDir": {"medium": "Memory"}}, {"name": "data", "hostPath": {}}],
            "containers": [
                {"resources": {"limits": {"nvidia.com/gpu": "4", "cpu": "2", "rdma/ib": 1}}},
                {"resources": {"limits": {"nvidia.com/mig-1g.10gb": 2}}},
            ],
            "initContainers": [{"resources": {"limits": {"nvidia.com/gpu": "8"}}}],
        },
    }))
    .await;
    assert_eq!(
        (rich.gpus, rich.gang.as_deref(), rich.owner.as_deref()),
        (10, Some("PodGroup/pg-1"), Some("StatefulSet/db")),
        "eight GPUs of the init container and two MIG devices"
    );
    assert_eq!((rich.empty_dirs, rich.daemon_set), (vec!["scratch".to_string()], false));
}

#[tokio::test(start_paused = true)]
async fn only_jobs_whose_pods_have_numbers_are_gangs() {
    let label = |extra: Value| json!({"metadata": {"labels": extra}});
    let plain = view(label(json!({"batch.kubernetes.io/job-name": "j"}))).await;
    let indexed =
        json!({"batch.kubernetes.io/job-name": "j", "batch.kubernetes.io/job-completion-index": "0"});
    assert_eq!((plain.gang, view(label(indexed)).await.gang), (None, Some("Job/j".into())));
}

#[tokio::test(start_paused = true)]
async fn a_container_that_is_made_just_now_does_not_hide_one_that_is_broken() {
    let waits = |reason: &str| json!({"state": {"waiting": {"reason": reason}}, "restartCount": 1});
    let pod = view(
        json!({"status": {"containerStatuses": [waits("ContainerCreating"), waits("ImagePullBackOff")]}}),
    );
    assert_eq!(pod.await.waiting.as_deref(), Some("ImagePullBackOff"));
}

#[tokio::test(start_paused = true)]
async fn a_budget_without_a_selector_protects_nothing_and_one_with_an_empty_one_all() {
    let budget = |name: &str, selector: Value, observed: i64| {
        json!({
            "metadata": {"name": name, "namespace": "a", "generation": 2},
            "spec": {"selector": selector, "maxUnavailable": 1},
            "status": {"observedGeneration": observed, "disruptionsAllowed": 1, "currentHealthy": 3, "desiredHealthy": 2, "expectedPods": 3},
        })
    };
    let expression = json!({"matchExpressions": [{"key": "app", "operator": "In", "values": ["db"]}], "matchLabels": {"tier": "x"}});
    let items = [budget("none", Value::Null, 2), budget("all", json!({}), 1), budget("some", expression, 2)];
    let budgets =
        empty().list("/apis/policy/v1/poddisruptionbudgets", &items).survey().await.budgets.unwrap();
    assert_eq!(budgets.iter().map(|b| b.observed).collect::<Vec<_>>(), [true, false, true]);
    assert!(budgets[0].selector.nothing && budgets[1].selector == Selector::default());
    assert_eq!(
        (budgets[2].selector.expressions[0].operator.as_str(), budgets[2].selector.labels.len()),
        ("In", 1)
    );
    assert_eq!(
        (budgets[0].disruptions_allowed, budgets[0].unhealthy_policy.as_str()),
        (1, "IfHealthyBudget")
    );
}

#[tokio::test(start_paused = true)]
async fn hardware_is_what_has_a_domain_and_labels_that_stay() {
    let gpu = json!({
        "metadata": {"name": "dgx030", "labels": {"nvidia.com/mig.config": "all-balanced", "nvidia.com/gfd.timestamp": "17", "rack": "r1"}},
        "status": {"allocatable": {"cpu": "224", "memory": "2Ti", "hugepages-2Mi": "0", "nvidia.com/gpu": "8", "rdma/ib": "1k"}},
    });
    let plain = json!({"metadata": {"name": "runai-01"}, "status": {"allocatable": {"cpu": "8"}}});
    let hardware = empty().list("/api/v1/nodes", &[gpu, plain]).survey().await.hardware.unwrap();
    assert_eq!(hardware.keys().map(NodeName::as_str).collect::<Vec<_>>(), ["dgx030"]);
    let dgx = &hardware[&NodeName::new("dgx030").unwrap()];
    assert_eq!(dgx.allocatable.keys().collect::<Vec<_>>(), ["nvidia.com/gpu", "rdma/ib"]);
    assert_eq!(dgx.labels.keys().collect::<Vec<_>>(), ["nvidia.com/mig.config"]);
}

#[tokio::test(start_paused = true)]
async fn tigera_tells_the_reason_of_what_is_wrong() {
    let status = |name: &str, conditions: &[(&str, &str, &str)]| {
        let all: Vec<Value> =
            conditions.iter().map(|(t, s, m)| json!({"type": t, "status": s, "message": m})).collect();
        json!({"metadata": {"name": name}, "status": {"conditions": all}})
    };
    let well = status("calico", &[("Available", "True", "All objects available"), ("Degraded", "False", "")]);
    let ill = status(
        "apiserver",
        &[("Available", "False", "-"), ("Degraded", "True", "no CRD"), ("Progressing", "True", "-")],
    );
    let path = "/apis/operator.tigera.io/v1/tigerastatuses";
    let parts = empty().list(path, &[well, ill]).survey().await.tigera.unwrap();
    assert!(parts[0].available && !parts[0].degraded && !parts[0].progressing);
    assert_eq!((parts[1].degraded, parts[1].progressing, parts[1].message.as_str()), (true, true, "no CRD"));
}

#[tokio::test(start_paused = true)]
async fn users_of_gpus_without_a_request_are_known_by_every_sign() {
    let by = async |spec: Value| view(json!({"spec": spec})).await.gpu_by;
    let env =
        |value: Value| json!({"containers": [{"env": [{"name": "NVIDIA_VISIBLE_DEVICES", "value": value}]}]});
    assert_eq!(by(json!({"runtimeClassName": "nvidia"})).await.as_deref(), Some("runtime class nvidia"));
    assert_eq!(by(json!({"resourceClaims": [{"name": "gpu"}]})).await.as_deref(), Some("resource claims"));
    assert_eq!(by(env(json!("all"))).await.as_deref(), Some("NVIDIA_VISIBLE_DEVICES"));
    assert_eq!((by(env(json!("void"))).await, by(json!({"runtimeClassName": "gvisor"})).await), (None, None));
}

#[tokio::test(start_paused = true)]
async fn an_operator_without_status_is_seen_beside_the_calico_of_manifests() {
    let apps = "/apis/apps/v1/namespaces";
    let named = |name: &str| json!({"metadata": {"name": name}});
    let operators = format!("{apps}/tigera-operator/deployments");
    let with = |name: &str| empty().list(&operators, &[named(name)]);
    assert_eq!(empty().survey().await.tigera_operator, Ok(None));
    assert_eq!(with("other").survey().await.tigera_operator, Ok(None));
    let alone = with("tigera-operator").survey().await.tigera_operator.unwrap().unwrap();
    assert!(!alone.beside_manifests);
    let both = with("tigera-operator")
        .on(&format!("{apps}/kube-system/daemonsets/calico-node"), named("calico-node"));
    assert!(both.survey().await.tigera_operator.unwrap().unwrap().beside_manifests);
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_hangs_in_its_deletion_tells_since_when_and_by_what() {
    let stuck = view(json!({"metadata": {
        "deletionTimestamp": "2026-01-10T08:00:30Z",
        "deletionGracePeriodSeconds": 30,
        "finalizers": ["scheduler.site.example/finalizer", "batch.kubernetes.io/job-tracking"],
    }}))
    .await;
    assert_eq!(stuck.terminating, "2026-01-10T08:00:00Z".parse().ok());
    assert_eq!(stuck.finalizers[0], "scheduler.site.example/finalizer");
    let plain = view(json!({})).await;
    assert!(plain.terminating.is_none() && plain.finalizers.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_budget_whose_controller_cannot_count_says_so() {
    let budget = |conditions: Value| {
        json!({
            "metadata": {"namespace": "elastic", "name": "es", "generation": 1},
            "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"cluster": "es"}}},
            "status": {"observedGeneration": 1, "conditions": conditions},
        })
    };
    let failed = json!([{"type": "DisruptionAllowed", "status": "False", "reason": "SyncFailed", "message": "no scale subresource"}]);
    let short = json!([{"type": "DisruptionAllowed", "status": "False", "reason": "InsufficientPods", "message": ""}]);
    let path = "/apis/policy/v1/poddisruptionbudgets";
    let seen = empty().list(path, &[budget(failed), budget(short)]).survey().await.budgets.unwrap();
    let told: Vec<Option<&str>> = seen.iter().map(|b| b.sync_failed.as_deref()).collect();
    assert_eq!(told, [Some("no scale subresource"), None]);
}

#[tokio::test(start_paused = true)]
async fn a_pod_tells_on_which_nodes_it_may_run() {
    assert_eq!(view(json!({})).await.wish, None);
    let required = json!({"nodeSelectorTerms": [
        {"matchExpressions": [{"key": "rack", "operator": "In", "values": ["r1"]}]},
        {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["dgx031"]}]},
    ]});
    let picky = view(json!({"spec": {
        "nodeSelector": {"gpu": "h100"},
        "tolerations": [{"operator": "Exists", "tolerationSeconds": 30}, {"key": "team", "value": "a", "effect": "NoSchedule"}],
        "affinity": {"podAntiAffinity": {}, "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}},
    }}));
    let wish = picky.await.wish.unwrap();
    let labels = |all: &[(&str, &str)]| all.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
    assert!(wish.allows("dgx030", &labels(&[("gpu", "h100"), ("rack", "r1")]), &[]));
    assert!(wish.allows("dgx031", &labels(&[("gpu", "h100")]), &[]));
    assert!(!wish.allows("dgx032", &labels(&[("gpu", "h100")]), &[]), "neither of the terms matches");
    assert!(!wish.allows("dgx031", &labels(&[("gpu", "a100")]), &[]), "the selector counts beside the terms");
    assert_eq!((wish.tolerations[0].operator.as_str(), wish.tolerations[1].key.as_str()), ("Exists", "team"));
}
