//! Pods of all namespaces: what decides a drain, and the state of the containers. The page is read directly into this form, because a real
//! Pod is ten times as large.

use super::super::api::Api;
use super::meta::{Condition, Meta};
use crate::cluster::kube::pages::or_default;
use podlift_engine::survey::PodView;
use podlift_model::{Failure, NodeName};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;

/// Marks of pods that belong together, where one lost pod stops all. Run:ai's and Volcano's are annotations, the rest labels.
const GANGS: &[&str] = &[
    "pod-group-name",
    "scheduling.k8s.io/group-name",
    "scheduling.x-k8s.io/pod-group",
    "jobset.sigs.k8s.io/jobset-name",
    "training.kubeflow.org/job-name",
    "leaderworkerset.sigs.k8s.io/group-key",
    "kueue.x-k8s.io/pod-group-name",
    "volcano.sh/job-name",
    "ray.io/cluster",
    // Kubeflow's MPI, PyTorch and TensorFlow operators before training.kubeflow.org/job-name.
    "mpi_job_name",
    "pytorch-job-name",
    "tf-job-name",
];
/// Counts for a Job only if its pods have numbers, and so communicate with each other.
const JOB: &str = "batch.kubernetes.io/job-name";
const INDEX: &str = "batch.kubernetes.io/job-completion-index";
/// Variable by which NVIDIA's runtime gives a container GPUs, and values that give none.
const VISIBLE: &str = "NVIDIA_VISIBLE_DEVICES";
const NO_DEVICES: &[&str] = &["", "none", "void"];
const MIRROR: &str = "kubernetes.io/config.mirror";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Pod {
    #[serde(deserialize_with = "or_default")]
    metadata: Meta,
    #[serde(deserialize_with = "or_default")]
    spec: Spec,
    #[serde(deserialize_with = "or_default")]
    status: Status,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    node_name: Option<String>,
    runtime_class_name: Option<String>,
    #[serde(deserialize_with = "or_default")]
    resource_claims: Vec<IgnoredAny>,
    #[serde(deserialize_with = "or_default")]
    volumes: Vec<Volume>,
    #[serde(deserialize_with = "or_default")]
    containers: Vec<Container>,
    #[serde(deserialize_with = "or_default")]
    init_containers: Vec<Container>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Volume {
    name: String,
    empty_dir: Option<IgnoredAny>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Container {
    #[serde(deserialize_with = "or_default")]
    resources: Resources,
    #[serde(deserialize_with = "or_default")]
    env: Vec<Variable>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Variable {
    name: String,
    /// `None` if the value comes from elsewhere.
    value: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Resources {
    #[serde(deserialize_with = "or_default")]
    limits: BTreeMap<String, Quantity>,
}

/// A quantity, as text or as a number.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Quantity {
    Number(u32),
    Text(String),
    Other(IgnoredAny),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    phase: String,
    #[serde(deserialize_with = "or_default")]
    conditions: Vec<Condition>,
    #[serde(deserialize_with = "or_default")]
    container_statuses: Vec<ContainerStatus>,
    #[serde(deserialize_with = "or_default")]
    init_container_statuses: Vec<ContainerStatus>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ContainerStatus {
    restart_count: u32,
    #[serde(deserialize_with = "or_default")]
    state: State,
    #[serde(deserialize_with = "or_default")]
    last_state: State,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct State {
    waiting: Option<Waiting>,
    terminated: Option<Terminated>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Waiting {
    reason: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Terminated {
    exit_code: i32,
    reason: String,
}

pub(super) async fn read(api: &Api) -> Result<Vec<PodView>, Failure> {
    let mut pods = Vec::new();
    api.each("/api/v1/pods", &[], |pod: Pod| pods.push(view(pod))).await?;
    Ok(pods)
}

fn view(pod: Pod) -> PodView {
    let Pod { metadata: meta, spec, status } = pod;
    let finished = matches!(status.phase.as_str(), "Succeeded" | "Failed");
    let (controller, terminating) = (meta.controller(), meta.deleted_since());
    let empty_dirs = spec.volumes.iter().filter(|v| v.empty_dir.is_some()).map(|v| v.name.clone()).collect();
    let all = || status.init_container_statuses.iter().chain(&status.container_statuses);
    PodView {
        ready: status.conditions.iter().any(|c| c.kind == "Ready" && c.status == "True"),
        waiting: waiting(all()),
        restarts: all().map(|c| c.restart_count).sum(),
        last_exit: all().find_map(|c| c.last_state.terminated.as_ref()).map(ended),
        owner: controller.map(|o| format!("{}/{}", o.kind, o.name)),
        mirror: meta.annotation(MIRROR).is_some(),
        daemon_set: controller.is_some_and(|o| o.kind == "DaemonSet"),
        finished,
        empty_dirs,
        gpu_by: gpu_by(&spec),
        gpus: gpus(&spec.containers).max(gpus_at_once(&spec.init_containers)),
        gang: gang(&meta),
        phase: status.phase,
        node: spec.node_name.and_then(|n| NodeName::new(n).ok()),
        namespace: meta.namespace,
        name: meta.name,
        terminating,
        finalizers: meta.finalizers,
        labels: meta.labels.unwrap_or_default(),
        ..PodView::default()
    }
}

/// The worst reason. A container that is starting counts only if there is no other reason.
fn waiting<'a>(all: impl Iterator<Item = &'a ContainerStatus>) -> Option<String> {
    let reasons = all.filter_map(|c| c.state.waiting.as_ref()).map(|w| &w.reason);
    let on_its_way = |r: &&String| matches!(r.as_str(), "ContainerCreating" | "PodInitializing");
    reasons.min_by_key(on_its_way).cloned()
}

fn ended(last: &Terminated) -> String {
    match last.reason.as_str() {
        "" => format!("exit code {}", last.exit_code),
        reason => format!("exit code {} ({reason})", last.exit_code),
    }
}

fn gang(meta: &Meta) -> Option<String> {
    let named = GANGS.iter().find_map(|key| meta.annotation(key).or_else(|| meta.label(key)));
    let job = || meta.label(JOB).filter(|_| meta.annotation(INDEX).or_else(|| meta.label(INDEX)).is_some());
    named.or_else(job).cloned()
}

/// How a pod gets a GPU that it does not request as an extended resource.
fn gpu_by(spec: &Spec) -> Option<String> {
    let class = spec.runtime_class_name.as_ref().filter(|c| c.starts_with("nvidia"));
    let given = |v: &Variable| {
        v.name == VISIBLE && v.value.as_ref().is_none_or(|value| !NO_DEVICES.contains(&value.as_str()))
    };
    let by_variable = || spec.containers.iter().flat_map(|c| &c.env).any(given);
    match (class, spec.resource_claims.is_empty()) {
        (Some(class), _) => Some(format!("runtime class {class}")),
        (None, false) => Some("resource claims".into()),
        (None, true) => by_variable().then(|| VISIBLE.into()),
    }
}

/// For an extended resource the limit counts, because it has no separate request.
fn gpus(containers: &[Container]) -> u32 {
    containers.iter().map(of_one).sum()
}

/// The largest number, because init containers run one after another.
fn gpus_at_once(containers: &[Container]) -> u32 {
    containers.iter().map(of_one).max().unwrap_or(0)
}

fn of_one(container: &Container) -> u32 {
    let gpu = |name: &str| {
        matches!(name, "nvidia.com/gpu" | "nvidia.com/gpu.shared") || name.starts_with("nvidia.com/mig-")
    };
    let limits = container.resources.limits.iter().filter(|(name, _)| gpu(name));
    limits
        .map(|(_, quantity)| match quantity {
            Quantity::Number(n) => *n,
            Quantity::Text(text) => text.parse().unwrap_or(0),
            Quantity::Other(_) => 0,
        })
        .sum()
}
