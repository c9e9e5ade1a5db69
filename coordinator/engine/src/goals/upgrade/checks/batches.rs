//! The site's policy of batches against this fleet: a group without a node, a window that never opens, and jobs that can't be interrupted
//! as one because not all of their nodes may go together.

use super::{View, batch_groups, gangs};
use crate::goals::upgrade::forecast::worker;
use crate::inventory::NodeRole;
use crate::machine::{EXPECTED_SECONDS, Lanes};
use crate::program::{Finding, Severity, finding, names};
use crate::survey::ClusterSurvey;
use podlift_batches::{GroupNodes, Job, Policy, Stage, TooLarge, Worker, groups_of, without_domain};
use podlift_model::{NodeName, count};
use std::cmp::Reverse;

pub const ID: &str = "batches";
/// Where the policy is.
pub(super) const FILE: &str = "/etc/podlift/policy.toml";

pub fn check(view: &View) -> Vec<Finding> {
    let Some(policy) = &view.input.options.batches else { return vec![] };
    let all = view.input.inventory.of_role(NodeRole::Worker);
    let workers: Vec<Worker> = all.map(|n| worker(n, Stage::ToCome, view.bcm.plan.as_ref())).collect();
    let mut out = batch_groups::check(view, policy, &workers);
    out.extend(groups_of(policy, &workers).iter().filter_map(all_canary));
    out.extend(domains(policy, &workers));
    out.extend(windows(view, policy, &workers));
    out.extend(gangs::check(view));
    for job in view.cluster().map(ClusterSurvey::jobs).unwrap_or_default().iter().filter(|job| job.gang) {
        out.extend(too_large(view, policy, job));
        out.extend(with_a_node_left_out(view, job));
    }
    out
}

/// The canary of a group is all of it, so that none of its workers waits for it.
fn all_canary(group: &GroupNodes) -> Option<Finding> {
    let workers = group.nodes.len();
    let evidence = format!(
        "the canary of group {:?} of [rollout] in {FILE} is {}, and the group has {}, so that none waits for it: lower `canary`, or remove it",
        group.name,
        group.canary,
        count(workers, "worker")
    );
    let all = workers > 0 && group.canary as usize >= workers;
    all.then(|| finding(ID, Severity::Warning, None, evidence, "kubectl get nodes --show-labels"))
}

fn domains(policy: &Policy, workers: &[Worker]) -> Option<Finding> {
    let (nodes, label) = (without_domain(policy, workers), &policy.topology.as_ref()?.label);
    let (severity, what) = match nodes.len() == workers.len() {
        true => (Severity::Blocker, "no worker has it, so that the rule means nothing".to_string()),
        false => {
            (Severity::Warning, format!("{} without it: {}", count(nodes.len(), "worker"), names(&nodes)))
        }
    };
    let evidence = format!("label {label:?} of [rollout.topology] in {FILE}: {what}");
    (!nodes.is_empty()).then(|| finding(ID, severity, None, evidence, "kubectl get nodes --show-labels"))
}

/// When lanes may begin: those of no group, and those of each group with windows of its own.
fn windows(view: &View, policy: &Policy, workers: &[Worker]) -> Vec<Finding> {
    let chosen = workers.iter().filter(|worker| view.chosen(&worker.node));
    // The control plane begins in the windows of all lanes, too.
    let mut lanes = Lanes::of_workers(policy, chosen);
    if lanes.iter().all(|lanes| lanes.name().is_some()) {
        lanes.push(Lanes::of_all(policy));
    }
    lanes.iter().filter_map(|lanes| window(view, lanes)).collect()
}

fn window(view: &View, lanes: &Lanes) -> Option<Finding> {
    let until = lanes.open(view.input.now, EXPECTED_SECONDS).err()?;
    let window = lanes.window();
    let Some(until) = until else {
        let (whose, what) = match lanes.name() {
            Some(group) => (format!("lane of group {group:?}"), "its `windows`, or remove them"),
            None => ("lane".to_string(), "`windows` there, or remove it, or give another --window"),
        };
        let evidence = format!(
            "[rollout] in {FILE}: no window ever opens that is long enough for a node, which takes about {EXPECTED_SECONDS} s, so that no {whose} would begin: correct {what}"
        );
        return Some(finding(ID, Severity::Blocker, None, evidence, &view.again()));
    };
    let waits = match lanes.name() {
        Some(group) => {
            format!("a run that is started lets the workers of group {group:?} wait until {until}")
        }
        None => format!("a run that is started waits with its first disruptive step until {until}"),
    };
    let evidence = format!("no {window} is open now that is long enough for a node: {waits}");
    Some(finding(ID, Severity::Note, None, evidence, ""))
}

/// Its nodes among those that the run works on.
fn due<'a>(view: &View, job: &'a Job) -> Vec<&'a NodeName> {
    let is_worker =
        |node: &NodeName| view.input.inventory.get(node).is_some_and(|n| n.role == NodeRole::Worker);
    job.nodes.keys().filter(|node| is_worker(node) && view.chosen(node)).collect()
}

fn too_large(view: &View, policy: &Policy, job: &Job) -> Option<Finding> {
    let (nodes, most) = (due(view, job).len(), view.input.options.max_unavailable as usize);
    if nodes <= most || job.goes_on_without(&most_at_once(view, job, most)) {
        return None;
    }
    let what = match policy.gangs.too_large {
        TooLarge::Evict => "it is interrupted at the first of them, and its nodes follow each other; it is interrupted again wherever it starts on one of them".into(),
        TooLarge::Wait => format!("its nodes wait until it has ended, at most {} s, and then it is interrupted", policy.gangs.wait_seconds),
        TooLarge::Skip => "its nodes are left out if it has not ended when all others are over".into(),
        TooLarge::Ask => "the run asks whether it may be interrupted when all others are over".into(),
    };
    let evidence = format!(
        "job {} works on {} of this run, and {most} may be unavailable at once: {what} (gangs.too-large in {FILE}); --max-unavailable {nodes} takes it as a whole",
        job.id,
        count(nodes, "worker")
    );
    Some(finding(ID, Severity::Note, None, evidence, &view.again_with(nodes as u32)))
}

/// So many of its nodes, those with the most of its pods.
fn most_at_once(view: &View, job: &Job, most: usize) -> Vec<NodeName> {
    let mut nodes = due(view, job);
    nodes.sort_by_key(|node| Reverse(job.nodes.get(*node)));
    nodes.into_iter().take(most).cloned().collect()
}

fn with_a_node_left_out(view: &View, job: &Job) -> Option<Finding> {
    let out: Vec<NodeName> = job.nodes.keys().filter(|node| view.is_left_out(node)).cloned().collect();
    let (due, most) = (due(view, job).len(), view.input.options.max_unavailable as usize);
    if job.goes_on_without(&most_at_once(view, job, most)) {
        return None;
    }
    let evidence = format!(
        "job {} is interrupted although {} of its nodes {} left out: {}",
        job.id,
        out.len(),
        podlift_model::agree(out.len(), "is", "are"),
        names(&out)
    );
    (!out.is_empty() && due > 0).then(|| finding(ID, Severity::Note, None, evidence, ""))
}
