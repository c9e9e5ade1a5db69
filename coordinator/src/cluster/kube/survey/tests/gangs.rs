//! Pods as schedulers and operators mark them: the gang of each kind of job, priorities, forbidden interruptions and extended resources.

use super::objects::view;
use serde_json::{Value, json};

fn labels(all: Value) -> Value {
    json!({"metadata": {"labels": all}})
}

fn annotations(all: Value) -> Value {
    json!({"metadata": {"annotations": all}})
}

/// Metadata of a pod of each kind, and its gang.
fn table() -> Vec<(&'static str, Value, Option<&'static str>)> {
    let training = |operator: &str| {
        labels(
            json!({"training.kubeflow.org/job-name": "llm", "training.kubeflow.org/operator-name": operator}),
        )
    };
    let indexed = json!({"batch.kubernetes.io/job-name": "llm-node-0", "batch.kubernetes.io/job-completion-index": "0"});
    let admitted = json!({"metadata": {
        "annotations": {"kueue.x-k8s.io/workload": "jobset-llm-5f337"}, "labels": {"jobset.sigs.k8s.io/jobset-name": "llm"},
    }});
    let grouped = json!({"metadata": {
        "annotations": {"kueue.x-k8s.io/workload": "g"}, "labels": {"kueue.x-k8s.io/pod-group-name": "g"},
    }});
    let mut jobset = indexed.clone();
    jobset["jobset.sigs.k8s.io/jobset-name"] = "llm".into();
    vec![
        ("KAI and Run:ai", annotations(json!({"pod-group-name": "pg-llm-1"})), Some("PodGroup/pg-llm-1")),
        (
            "Volcano",
            annotations(json!({"scheduling.k8s.io/group-name": "podgroup-1"})),
            Some("PodGroup/podgroup-1"),
        ),
        ("coscheduling", labels(json!({"scheduling.x-k8s.io/pod-group": "nginx"})), Some("PodGroup/nginx")),
        ("Kueue's pod groups", labels(json!({"kueue.x-k8s.io/pod-group-name": "g"})), Some("PodGroup/g")),
        ("Kueue's Workload of a JobSet", admitted, Some("Workload/jobset-llm-5f337")),
        ("Kueue's Workload of a pod group", grouped, Some("PodGroup/g")),
        ("Grove, Dynamo", labels(json!({"grove.io/podgang": "vllm-0"})), Some("PodGang/vllm-0")),
        ("JobSet, Trainer v2", labels(jobset), Some("JobSet/llm")),
        ("Trainer v1, PyTorch", training("pytorchjob-controller"), Some("PyTorchJob/llm")),
        ("Trainer v1, MPI", training("mpijob-controller"), Some("MPIJob/llm")),
        ("MPI operator", training("mpi-operator"), Some("MPIJob/llm")),
        ("an operator that is not known", training("other"), Some("TrainingJob/llm")),
        (
            "LeaderWorkerSet",
            labels(
                json!({"leaderworkerset.sigs.k8s.io/name": "vllm", "leaderworkerset.sigs.k8s.io/group-index": "2"}),
            ),
            Some("LeaderWorkerSet/vllm-2"),
        ),
        ("a job of Volcano", labels(json!({"volcano.sh/job-name": "j"})), Some("VolcanoJob/j")),
        ("Ray", labels(json!({"ray.io/cluster": "r", "ray.io/node-type": "worker"})), Some("RayCluster/r")),
        (
            "the older MPI operator",
            labels(json!({"mpi_job_name": "m", "mpi_role_type": "worker"})),
            Some("MPIJob/m"),
        ),
        ("an indexed Job", labels(indexed), Some("Job/llm-node-0")),
        ("a Job without numbers", labels(json!({"batch.kubernetes.io/job-name": "sweep"})), None),
        ("Kueue's queue alone", labels(json!({"kueue.x-k8s.io/queue-name": "team"})), None),
        ("Knative", labels(json!({"serving.knative.dev/service": "chat"})), None),
        ("a StatefulSet", labels(json!({"statefulset.kubernetes.io/pod-name": "db-0"})), None),
    ]
}

#[tokio::test(start_paused = true)]
async fn each_kind_of_job_is_one_gang() {
    for (what, metadata, gang) in table() {
        assert_eq!(view(metadata).await.gang.as_deref(), gang, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_mark_of_the_scheduler_is_the_same_for_launcher_and_workers() {
    let both =
        |labels: Value| json!({"metadata": {"annotations": {"pod-group-name": "pg"}, "labels": labels}});
    let worker = both(json!({"training.kubeflow.org/job-name": "m"}));
    let launcher = both(json!({"batch.kubernetes.io/job-name": "m-launcher"}));
    assert_eq!(view(worker).await.gang, view(launcher).await.gang);
}

#[tokio::test(start_paused = true)]
async fn a_pod_tells_since_when_it_runs_and_whether_it_may_be_interrupted() {
    let created = json!({"metadata": {"creationTimestamp": "2026-11-20T08:00:00Z"}});
    assert_eq!(view(created).await.started, "2026-11-20T08:00:00Z".parse().ok());
    let running = view(json!({"status": {"startTime": "2026-11-21T08:00:00Z"}})).await;
    assert_eq!(running.started, "2026-11-21T08:00:00Z".parse().ok());
    let keep = [
        (
            annotations(json!({"cluster-autoscaler.kubernetes.io/safe-to-evict": "false"})),
            "cluster-autoscaler.kubernetes.io/safe-to-evict=false",
        ),
        (annotations(json!({"karpenter.sh/do-not-disrupt": "true"})), "karpenter.sh/do-not-disrupt=true"),
        (labels(json!({"podlift.io/never-interrupt": "true"})), "podlift.io/never-interrupt=true"),
    ];
    for (metadata, mark) in keep {
        assert_eq!(view(metadata).await.never_interrupt.as_deref(), Some(mark));
    }
    let may = annotations(json!({"cluster-autoscaler.kubernetes.io/safe-to-evict": "true"}));
    assert_eq!(view(may).await.never_interrupt, None);
}

#[tokio::test(start_paused = true)]
async fn a_priority_is_the_class_or_that_the_scheduler_may_take_the_pod_away() {
    let spec = |scheduler: &str, class: &str, priority: i64| json!({"spec": {"schedulerName": scheduler, "priorityClassName": class, "priority": priority}});
    let of = async |object: Value| view(object).await.priority;
    assert_eq!(of(spec("kai-scheduler", "train", 50)).await.as_deref(), Some("preemptible"));
    assert_eq!(of(spec("runai-scheduler", "build", 100)).await.as_deref(), Some("build"));
    assert_eq!(of(spec("default-scheduler", "low", 50)).await.as_deref(), Some("low"));
    let mut own = spec("kai-scheduler", "train", 50);
    own["metadata"] = json!({"labels": {"kai.scheduler/preemptibility": "non-preemptible"}});
    assert_eq!(of(own).await.as_deref(), Some("train"));
    assert_eq!(of(json!({})).await, None);
}

#[tokio::test(start_paused = true)]
async fn extended_resources_are_summed_beside_and_after_each_other() {
    let limits = |all: Value| json!({"resources": {"limits": all}});
    let mut sidecar = limits(json!({"rdma/ib": 1}));
    sidecar["restartPolicy"] = "Always".into();
    let pod = view(json!({"spec": {
        "containers": [limits(json!({"nvidia.com/gpu": "4", "cpu": "2", "memory": "1Ti"})), limits(json!({"nvidia.com/gpu": 2, "rdma/ib": "1k"}))],
        "initContainers": [limits(json!({"nvidia.com/gpu": 8})), sidecar],
    }}))
    .await;
    let requests: Vec<(&str, u64)> =
        pod.requests.iter().map(|(name, number)| (name.as_str(), *number)).collect();
    assert_eq!((requests, pod.gpus), (vec![("nvidia.com/gpu", 8), ("rdma/ib", 1001)], 8));
}

#[tokio::test(start_paused = true)]
async fn workspaces_are_known_and_a_wrong_hook_is_named() {
    let run_ai =
        |class: &str| json!({"spec": {"schedulerName": "runai-scheduler", "priorityClassName": class}});
    let owner = json!([{"kind": "InteractiveWorkload", "name": "notebook", "controller": true}]);
    let denied = json!({
        "metadata": {"annotations": {"podlift.io/interactive": "false"}},
        "spec": {"schedulerName": "runai-scheduler", "priorityClassName": "build"},
    });
    for (what, extra, interactive) in [
        ("class of workspaces", run_ai("build"), true),
        ("class of training", run_ai("train"), false),
        ("the class of another scheduler", json!({"spec": {"priorityClassName": "build"}}), false),
        ("kind of the owner", json!({"metadata": {"ownerReferences": owner}}), true),
        ("label", labels(json!({"podlift.io/interactive": "true"})), true),
        ("annotation against the class", denied, false),
    ] {
        assert_eq!(view(extra).await.interactive, interactive, "{what}");
    }
    for (value, command, fault) in [
        ("[\"/save\"]", true, None),
        ("signal:USR1", true, None),
        ("signal:KILL", false, Some("podlift.io/checkpoint")),
        ("save now", false, Some("save now")),
    ] {
        let pod = view(annotations(json!({"podlift.io/checkpoint": value}))).await;
        assert_eq!(pod.checkpoint.is_some(), command, "{value}");
        let named =
            fault.is_none_or(|want| pod.checkpoint_fault.as_ref().is_some_and(|text| text.contains(want)));
        assert!(
            named && pod.checkpoint_fault.is_some() == fault.is_some(),
            "{value}: {:?}",
            pod.checkpoint_fault
        );
    }
}
