//! Pods of all namespaces: what decides a drain, and the state of the containers. The page is read directly into this form, because a real
//! Pod is ten times as large.

use super::super::api::Api;
use super::gang;
use super::meta::{Condition, Meta};
use crate::cluster::kube::pages::or_default;
use jiff::Timestamp;
use podlift_engine::survey::PodView;
use podlift_model::{Failure, NodeName};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;

/// Schedulers of Run:ai, whose workloads of a low priority may be taken away at any time.
const RUN_AI: &[&str] = &["runai-scheduler", "kai-scheduler"];
/// Priorities from here on are not taken away by these schedulers.
const NON_PREEMPTIBLE: i64 = 100;
/// Label by which a workload says for itself whether it may be taken away.
const PREEMPTIBILITY: &str = "kai.scheduler/preemptibility";
const PREEMPTIBLE: &str = "preemptible";
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
    scheduler_name: Option<String>,
    priority_class_name: Option<String>,
    priority: Option<i64>,
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
#[serde(default, rename_all = "camelCase")]
struct Container {
    /// `Always` makes a sidecar of an init container.
    restart_policy: Option<String>,
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
    Number(u64),
    Text(String),
    Other(IgnoredAny),
}

impl Quantity {
    /// As a whole number; `None` if it is none. Extended resources are whole, and large ones may be written as `1k`.
    fn number(&self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => match text.strip_suffix('k') {
                Some(thousands) => thousands.parse::<u64>().ok()?.checked_mul(1000),
                None => text.parse().ok(),
            },
            Self::Other(_) => None,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    phase: String,
    start_time: Option<Timestamp>,
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

/// `never` lists the labels and annotations, `key=value`, by which the owner of a pod forbids its interruption.
pub(super) async fn read(api: &Api, never: &[String]) -> Result<Vec<PodView>, Failure> {
    let mut pods = Vec::new();
    api.each("/api/v1/pods", &[], |pod: Pod| pods.push(view(pod, never))).await?;
    Ok(pods)
}

fn view(pod: Pod, never: &[String]) -> PodView {
    let Pod { metadata: meta, spec, status } = pod;
    let finished = matches!(status.phase.as_str(), "Succeeded" | "Failed");
    let (controller, terminating) = (meta.controller(), meta.deleted_since());
    let empty_dirs = spec.volumes.iter().filter(|v| v.empty_dir.is_some()).map(|v| v.name.clone()).collect();
    let requests = requests(&spec);
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
        gpus: gpus(&requests),
        requests,
        gang: gang::of(&meta),
        started: status.start_time.or(meta.creation_timestamp),
        priority: priority(&meta, &spec),
        never_interrupt: forbidden(&meta, never),
        phase: status.phase,
        node: spec.node_name.and_then(|n| NodeName::new(n).ok()),
        namespace: meta.namespace,
        name: meta.name,
        terminating,
        finalizers: meta.finalizers,
        labels: meta.labels.unwrap_or_default(),
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

/// The name of its priority class, or `preemptible`.
fn priority(meta: &Meta, spec: &Spec) -> Option<String> {
    let run_ai = spec.scheduler_name.as_deref().is_some_and(|name| RUN_AI.contains(&name));
    let preemptible = match meta.label(PREEMPTIBILITY) {
        Some(own) => own.eq_ignore_ascii_case(PREEMPTIBLE),
        None => spec.priority.is_some_and(|priority| priority < NON_PREEMPTIBLE),
    };
    match run_ai && preemptible {
        true => Some(PREEMPTIBLE.into()),
        false => spec.priority_class_name.clone().filter(|class| !class.is_empty()),
    }
}

/// The first of these labels and annotations, `key=value`, that the pod has.
fn forbidden(meta: &Meta, never: &[String]) -> Option<String> {
    let has = |mark: &&String| {
        mark.split_once('=').is_some_and(|(key, value)| {
            [meta.label(key), meta.annotation(key)].into_iter().flatten().any(|own| own == value)
        })
    };
    never.iter().find(has).cloned()
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

/// Extended resources of a pod: what its containers hold side by side, or one of its init containers before them. A sidecar among the init
/// containers holds its own beside both. For an extended resource the limit counts, because it has no separate request.
fn requests(spec: &Spec) -> BTreeMap<String, u64> {
    let (sidecars, first): (Vec<_>, Vec<_>) =
        spec.init_containers.iter().partition(|c| c.restart_policy.as_deref() == Some("Always"));
    let mut out: BTreeMap<String, u64> = BTreeMap::new();
    for (name, number) in spec.containers.iter().flat_map(extended) {
        *out.entry(name).or_default() += number;
    }
    for (name, number) in first.into_iter().flat_map(extended) {
        let most = out.entry(name).or_default();
        *most = number.max(*most);
    }
    for (name, number) in sidecars.into_iter().flat_map(extended) {
        *out.entry(name).or_default() += number;
    }
    out
}

fn extended(container: &Container) -> impl Iterator<Item = (String, u64)> {
    let limits = container.resources.limits.iter().filter(|(name, _)| name.contains('/'));
    limits.filter_map(|(name, quantity)| Some((name.clone(), quantity.number().filter(|n| *n > 0)?)))
}

/// GPUs and MIG devices among what a pod requests.
fn gpus(requests: &BTreeMap<String, u64>) -> u32 {
    let gpu = |name: &str| {
        matches!(name, "nvidia.com/gpu" | "nvidia.com/gpu.shared") || name.starts_with("nvidia.com/mig-")
    };
    let number: u64 = requests.iter().filter(|(name, _)| gpu(name)).map(|(_, number)| number).sum();
    number.try_into().unwrap_or(u32::MAX)
}
