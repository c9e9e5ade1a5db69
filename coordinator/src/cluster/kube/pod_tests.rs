//! What is kept of a pod, and how many bytes that takes.

use super::*;
use serde_json::{Value, json};
use std::collections::HashSet;

/// A pod as a cluster with Calico and Run:ai has it.
fn real(number: usize) -> Value {
    let name = format!("llm-7b-pretraining-worker-{number}");
    let ip = format!("10.233.{}.{}", number / 250, number % 250);
    let fields = json!({"f:metadata": {"f:annotations": {}, "f:labels": {}, "f:ownerReferences": {}}});
    json!({
        "metadata": {
            "name": name, "namespace": "runai-research", "resourceVersion": (1_000_000 + number).to_string(),
            "uid": format!("4b1f6f0e-2c51-4a52-9d4c-{number:012}"),
            "creationTimestamp": "2026-11-21T02:00:00Z",
            "labels": {
                "app.kubernetes.io/managed-by": "runai", "training.kubeflow.org/job-name": "llm-7b-pretraining",
                "training.kubeflow.org/job-role": "worker", "training.kubeflow.org/replica-type": "worker",
                "training.kubeflow.org/replica-index": number.to_string(), "project": "research",
                "runai/queue": "research", "release": "llm-7b-pretraining",
            },
            "annotations": {
                "cni.projectcalico.org/containerID": "e".repeat(64), "cni.projectcalico.org/podIP": format!("{ip}/32"),
                "cni.projectcalico.org/podIPs": format!("{ip}/32"), "pod-group-name": "pg-llm-7b-pretraining",
                "runai-calculated-status": "Running", "podlift.io/never-interrupt": "true",
                "kubectl.kubernetes.io/last-applied-configuration": "x".repeat(3000),
            },
            "ownerReferences": [{"kind": "PyTorchJob", "name": "llm-7b-pretraining", "controller": true}],
            "managedFields": [{"manager": "kube-controller-manager", "fieldsV1": fields}, {"manager": "kubelet", "fieldsV1": fields}],
        },
        "spec": {
            "nodeName": format!("dgx{:03}", number / 8), "schedulerName": "runai-scheduler", "priorityClassName": "train",
            "containers": [{"name": "pytorch", "image": "nvcr.io/nvidia/pytorch:26.09-py3", "resources": {"limits": {"nvidia.com/gpu": "1"}},
                "env": [{"name": "NCCL_DEBUG", "value": "INFO"}, {"name": "MASTER_ADDR", "value": "llm-7b-pretraining-master-0"}]}],
            "volumes": [{"name": "shm", "emptyDir": {"medium": "Memory"}}],
        },
        "status": {"phase": "Running", "startTime": "2026-11-21T02:00:05Z", "conditions": [{"type": "Ready", "status": "True"}]},
    })
}

fn read(object: Value) -> Pod {
    serde_json::from_value(object).unwrap()
}

/// Bytes of the pod that no pod before it has.
fn bytes(pod: &Pod, known: &mut HashSet<Arc<str>>) -> usize {
    let maps = pod.labels.iter().chain(&pod.annotations);
    let controller = pod.controller.iter().flat_map(|c| [&c.kind, &c.name]);
    let job = [&pod.job.gpu_by, &pod.job.gang, &pod.job.priority].into_iter().flatten();
    let shared = maps.clone().flat_map(|(key, value)| [key, value]).chain(controller).chain(job);
    let shared = shared.chain([&pod.namespace, &pod.node]).chain(&pod.finalizers);
    // Each shared text has two counters before it.
    let new: usize = shared.filter(|text| known.insert((*text).clone())).map(|text| text.len() + 16).sum();
    let pairs = maps.count() * size_of::<(Arc<str>, Arc<str>)>();
    size_of::<Pod>() + pod.pod.len() + pod.uid.len() + pairs + new
}

#[test]
fn a_pod_takes_less_than_a_kilobyte() {
    let (mut known, mut kept, mut sent) = (HashSet::new(), 0, 0);
    for number in 0..1000 {
        let object = real(number);
        sent += object.to_string().len();
        kept += bytes(&read(object), &mut known);
    }
    assert!(kept / 1000 < 1000 && sent / 1000 > 4000, "{} of {} bytes a pod", kept / 1000, sent / 1000);
}

#[test]
fn what_a_choice_and_a_drain_read_is_kept_and_documents_are_not() {
    let pod = read(real(17));
    assert_eq!(pod.label("training.kubeflow.org/job-role"), Some("worker"));
    assert_eq!((pod.label("project"), pod.label("no")), (Some("research"), None));
    let never = ["podlift.io/never-interrupt=true".to_string()];
    let work = pod.work(&never);
    assert_eq!(work.never_interrupt.as_ref(), Some(&never[0]));
    assert_eq!(work.gang.as_deref(), Some("PodGroup/pg-llm-7b-pretraining"));
    assert_eq!((work.gpus, work.owner.as_deref()), (1, Some("PyTorchJob/llm-7b-pretraining")));
    assert_eq!((work.labels.len(), work.node.unwrap().as_str()), (8, "dgx002"));
    assert_eq!(work.started, "2026-11-21T02:00:05Z".parse().ok());
    assert!(pod.data && pod.ready && !pod.finished);
    let keys: Vec<&str> = pod.annotations.iter().map(|(key, _)| &**key).collect();
    assert_eq!(keys, ["pod-group-name", "podlift.io/never-interrupt", "runai-calculated-status"]);
}
