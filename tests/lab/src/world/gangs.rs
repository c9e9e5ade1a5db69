//! Training jobs over several nodes, one pod with all GPUs on each of them.

use super::{Shape, World, cast, pods, site};
use crate::objects::Key;
use jiff::Timestamp;
use serde_json::{Value, json};

/// The annotation of KAI and Run:ai on the pods of one gang.
pub const GROUP: &str = "pod-group-name";
/// Labels and annotation that the Job controller gives an Indexed Job's pods.
const JOB: &str = "batch.kubernetes.io/job-name";
const INDEX: &str = "batch.kubernetes.io/job-completion-index";

const NAMESPACE: &str = "runai";
const GPUS: &str = "8";

/// A pod of an Indexed Job: running where it has a node, else pending.
pub fn member(job: &Value, name: &str, index: usize, node: &str, shape: &Shape, now: Timestamp) -> Value {
    let mut pod = pods::pod(job, "Job", name, node, shape, now);
    pod["metadata"]["annotations"][INDEX] = json!(index.to_string());
    pod["metadata"]["labels"][JOB] = job["metadata"]["name"].clone();
    pod["metadata"]["labels"][INDEX] = json!(index.to_string());
    pod
}

impl World {
    /// A job of one pod on each of these nodes, of which none works without the others.
    pub fn train(&self, name: &str, nodes: &[&str]) {
        self.train_with(name, nodes, &json!({}));
    }

    /// The same with these annotations in the template of its pods.
    pub fn train_with(&self, name: &str, nodes: &[&str], annotations: &Value) {
        let (now, count) = (self.clock.now(), nodes.len());
        let mut job = cast::object("batch/v1", "Job", NAMESPACE, name, json!({}), now);
        job["metadata"]["generation"] = json!(1);
        job["spec"] = json!({"parallelism": count, "completions": count, "completionMode": "Indexed",
            "template": {"metadata": {"labels": {"app": name}, "annotations": {GROUP: format!("pg-{name}")}},
                "spec": {"restartPolicy": "Never", "terminationGracePeriodSeconds": 5, "containers": [{"name": "train",
                    "image": "nvcr.io/nvidia/pytorch:25.09-py3", "resources": {"limits": {"nvidia.com/gpu": GPUS}}}]}}});
        for (key, value) in annotations.as_object().into_iter().flatten() {
            job["spec"]["template"]["metadata"]["annotations"][key.as_str()] = value.clone();
        }
        job["status"] = json!({"active": count, "failed": 0});
        let pods: Vec<(String, Value)> = nodes
            .iter()
            .enumerate()
            .map(|(i, node)| {
                let pod_name = format!("{name}-{i}-start");
                (pod_name.clone(), member(&job, &pod_name, i, node, &self.shape, now))
            })
            .collect();
        self.update(|s| {
            site::object(&mut s.api, "batch", "jobs", job);
            for (name, pod) in pods {
                s.api.put(Key::pod(NAMESPACE, &name), pod);
            }
        });
    }

    /// How often a training job was torn down.
    pub fn interruptions(&self, name: &str) -> u64 {
        let job = Key::new("batch", "jobs", NAMESPACE, name);
        self.lock().api.get(&job).and_then(|v| v["status"]["failed"].as_u64()).unwrap_or(0)
    }

    /// Nodes of its pods, in order of name; empty while they have none.
    pub fn nodes_of(&self, name: &str) -> Vec<String> {
        let s = self.lock();
        let job = s.api.get(&Key::new("batch", "jobs", NAMESPACE, name));
        let pods = job.into_iter().flat_map(|job| s.api.owned_by(job));
        let mut nodes: Vec<String> =
            pods.filter_map(|(_, p)| p["spec"]["nodeName"].as_str().map(String::from)).collect();
        nodes.sort();
        nodes
    }
}
