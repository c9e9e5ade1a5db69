//! Pods of all namespaces: what decides a drain, and the state of the containers.

use super::super::api::Api;
use super::gang;
use super::meta::Meta;
use super::raw_pod::{Container, ContainerStatus, MIRROR, Raw, Spec, Terminated, Variable};
use podlift_engine::placement::Wish;
use podlift_engine::survey::PodView;
use podlift_model::checkpoint::Checkpoint;
use podlift_model::{Failure, NodeName};
use std::collections::BTreeMap;
use std::mem::take;

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
/// Kind of Run:ai's workspaces, and the priority class that Run:ai gives them.
const WORKSPACE: &str = "InteractiveWorkload";
const WORKSPACE_CLASSES: &[&str] = &["build", "interactive-preemptible"];
/// Namespaces of Run:ai itself, whose images tell its version.
const OF_RUN_AI: &[&str] = &["runai", "runai-backend"];
/// Annotation or label by which the owner of a pod says that a person works in it.
const INTERACTIVE: &str = "podlift.io/interactive";

/// `never` lists the labels and annotations, `key=value`, by which the owner of a pod forbids its interruption.
pub(in crate::cluster::kube) async fn read(api: &Api, never: &[String]) -> Result<Vec<PodView>, Failure> {
    let mut pods = Vec::new();
    api.each("/api/v1/pods", &[], |pod: Raw| pods.push(view(pod, never))).await?;
    Ok(pods)
}

pub(in crate::cluster::kube) fn view(pod: Raw, never: &[String]) -> PodView {
    let (finished, ready) = (pod.is_finished(), pod.is_ready());
    let Raw { metadata: meta, mut spec, status } = pod;
    let wish = wish(&mut spec);
    let (controller, terminating) = (meta.controller(), meta.deleted_since());
    let empty_dirs = spec.volumes.iter().filter(|v| v.empty_dir.is_some()).map(|v| v.name.clone()).collect();
    let requests = requests(&spec);
    let (checkpoint, checkpoint_fault) = checkpoint(&meta);
    let all = || status.init_container_statuses.iter().chain(&status.container_statuses);
    PodView {
        image: image(&meta, &spec),
        ready,
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
        wish,
        never_interrupt: forbidden(|key, value| has(&meta, key, value), never),
        interactive: is_interactive(&meta, &spec),
        checkpoint,
        checkpoint_fault,
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

/// The image of the first container, for pods of Run:ai itself.
fn image(meta: &Meta, spec: &Spec) -> Option<String> {
    let of_run_ai = OF_RUN_AI.contains(&meta.namespace.as_str());
    spec.containers.first().filter(|_| of_run_ai)?.image.clone()
}

/// What it says of its nodes; `None` if it says nothing.
fn wish(spec: &mut Spec) -> Option<Box<Wish>> {
    let (terms, affinity, anti_affinity) = take(&mut spec.affinity).required();
    let wish = Wish {
        selector: take(&mut spec.node_selector),
        terms,
        tolerations: take(&mut spec.tolerations),
        affinity,
        anti_affinity,
    };
    (wish != Wish::default()).then(|| Box::new(wish))
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
pub(in crate::cluster::kube) fn forbidden(
    has: impl Fn(&str, &str) -> bool,
    never: &[String],
) -> Option<String> {
    never.iter().find(|mark| mark.split_once('=').is_some_and(|(key, value)| has(key, value))).cloned()
}

fn has(meta: &Meta, key: &str, value: &str) -> bool {
    [meta.label(key), meta.annotation(key)].into_iter().flatten().any(|own| own == value)
}

/// How it saves its work before it is evicted, and what is wrong with the annotations that say so.
fn checkpoint(meta: &Meta) -> (Option<Checkpoint>, Option<String>) {
    match Checkpoint::of(|name| meta.annotation(name).map(String::as_str)) {
        Ok(checkpoint) => (checkpoint, None),
        Err(fault) => (None, Some(fault.to_string())),
    }
}

/// Whether a person works in it: a workspace of Run:ai, or a pod whose owner says so.
fn is_interactive(meta: &Meta, spec: &Spec) -> bool {
    let own = meta.annotation(INTERACTIVE).or_else(|| meta.label(INTERACTIVE));
    if let Some(own) = own {
        return own == "true";
    }
    let class = spec.priority_class_name.as_deref().unwrap_or_default();
    let run_ai = spec.scheduler_name.as_deref().is_some_and(|name| RUN_AI.contains(&name));
    let workspace = meta.controller().is_some_and(|owner| owner.kind == WORKSPACE);
    workspace || (run_ai && WORKSPACE_CLASSES.contains(&class))
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
