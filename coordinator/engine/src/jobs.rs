//! What a person would call a job: the pods of a gang, else those of one controller, else a pod that stands for itself.

use crate::survey::PodView;
use jiff::Timestamp;
use podlift_batches::Job;
use podlift_model::NodeName;
use std::collections::BTreeMap;

/// Priority of a pod that its scheduler may take away at any time.
const PREEMPTIBLE: &str = "preemptible";

/// The jobs whose pods a drain would evict, sorted by id.
pub fn jobs(pods: &[PodView]) -> Vec<Job> {
    let mut out: BTreeMap<String, Job> = BTreeMap::new();
    for (pod, node) in
        pods.iter().filter(|pod| is_work(pod)).filter_map(|pod| Some((pod, pod.node.as_ref()?)))
    {
        let id = id_of(pod);
        let job = out.entry(id.clone()).or_insert_with(|| Job { id, preemptible: true, ..Job::default() });
        *job.nodes.entry(node.clone()).or_default() += 1;
        job.gpus += pod.gpus;
        let starts = [job.since, pod.started].into_iter().flatten();
        // A gang works only since its last pod began.
        job.since = if pod.gang.is_some() { starts.max() } else { starts.min() };
        job.gang |= pod.gang.is_some();
        job.preemptible &= pod.priority.as_deref() == Some(PREEMPTIBLE);
        job.never = job.never.take().or_else(|| pod.never_interrupt.clone());
        job.interactive |= pod.interactive;
    }
    out.into_values().collect()
}

/// The same jobs where an operator has waived that their owners forbid an interruption.
pub fn unless_waived(mut jobs: Vec<Job>, waived: bool) -> Vec<Job> {
    if waived {
        jobs.iter_mut().for_each(|job| job.never = None);
    }
    jobs
}

/// A pod that is being deleted loses nothing by a drain any more.
fn is_work(pod: &PodView) -> bool {
    pod.evicted() && !pod.finished && pod.terminating.is_none()
}

/// `namespace/Kind/name`.
fn id_of(pod: &PodView) -> String {
    match pod.gang.as_ref().or(pod.owner.as_ref()) {
        Some(owner) => format!("{}/{owner}", pod.namespace),
        None => format!("{}/Pod/{}", pod.namespace, pod.name),
    }
}

/// Whether a person would call it a job: it uses GPUs, or its pods work together.
pub fn counts(job: &Job) -> bool {
    job.gpus > 0 || job.gang
}

/// GPU-seconds of work that a job loses with its pods on these nodes: all of a gang, else the share of these pods.
pub fn loss(job: &Job, nodes: &[NodeName], now: Timestamp) -> u64 {
    let here: u32 = nodes.iter().filter_map(|node| job.nodes.get(node)).sum();
    let all: u32 = job.nodes.values().sum();
    let age = job.since.map_or(0, |since| now.duration_since(since).as_secs().max(0) as u64);
    let whole = age * u64::from(job.gpus);
    match (here, job.gang) {
        (0, _) => 0,
        (_, true) => whole,
        (_, false) => whole * u64::from(here) / u64::from(all.max(1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{name, survey::pod};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn pods_are_grouped_by_gang_then_by_controller_and_what_no_drain_takes_is_no_job() {
        let gang = |node: &str, start: i64| PodView {
            gang: Some("PodGroup/llm".into()),
            gpus: 8,
            started: Some(at(start)),
            ..pod("ml", &format!("llm-{node}"), node, "Job/llm")
        };
        let pods = [
            gang("dgx030", 100),
            gang("dgx031", 40),
            PodView {
                gpus: 1,
                priority: Some("preemptible".into()),
                ..pod("ml", "a-1", "dgx030", "ReplicaSet/a")
            },
            PodView { priority: Some("high".into()), ..pod("ml", "a-2", "dgx030", "ReplicaSet/a") },
            PodView {
                interactive: true,
                never_interrupt: Some("k=v".into()),
                ..pod("ml", "note", "dgx031", "")
            },
            PodView { daemon_set: true, ..pod("ml", "ds", "dgx030", "DaemonSet/ds") },
            PodView { mirror: true, ..pod("ml", "static", "dgx030", "Node/dgx030") },
            PodView { finished: true, ..pod("ml", "done", "dgx030", "Job/done") },
            PodView { terminating: Some(at(1)), ..pod("ml", "going", "dgx030", "Job/going") },
            PodView { node: None, ..pod("ml", "pending", "dgx030", "Job/pending") },
        ];
        let jobs = jobs(&pods);
        let ids: Vec<&str> = jobs.iter().map(|job| job.id.as_str()).collect();
        assert_eq!(ids, ["ml/Pod/note", "ml/PodGroup/llm", "ml/ReplicaSet/a"]);
        let [note, llm, a] = &jobs[..] else { panic!() };
        assert_eq!((llm.gang, llm.gpus, llm.since, llm.nodes.len()), (true, 16, Some(at(100)), 2));
        assert_eq!(
            (a.preemptible, a.gpus, a.nodes[&name("dgx030")]),
            (false, 1, 2),
            "one of its pods may not go"
        );
        assert_eq!(
            (note.interactive, note.never.as_deref(), counts(note), counts(llm)),
            (true, Some("k=v"), false, true)
        );
        let (one, now) = ([name("dgx030")], at(140));
        assert_eq!(loss(llm, &one, now), 640, "the whole gang loses its work");
        assert_eq!(loss(llm, &[name("dgx032")], now), 0);
        let spread =
            Job { nodes: [(name("dgx030"), 1), (name("dgx031"), 3)].into(), gang: false, ..llm.clone() };
        assert_eq!(loss(&spread, &one, now), 160, "its pods on the node only");
    }
}
