//! What a person would call a job: the pods of a gang, else those of one controller, else a pod that stands for itself.

use crate::survey::{ClusterSurvey, GangView, PodView};
use jiff::Timestamp;
use podlift_batches::Job;
use podlift_model::NodeName;
use std::collections::BTreeMap;

/// Priority of a pod that its scheduler may take away at any time.
const PREEMPTIBLE: &str = "preemptible";

/// The jobs whose pods a drain would evict, sorted by id. What the object of a gang declares decides how many of its pods it needs; without
/// an object it needs all of them. A gang without a pod is no job.
pub fn jobs(pods: &[PodView], gangs: &[GangView]) -> Vec<Job> {
    let declared: BTreeMap<&str, &GangView> = gangs.iter().map(|gang| (gang.id.as_str(), gang)).collect();
    let there = if gangs.is_empty() { BTreeMap::new() } else { members(pods) };
    let mut out: BTreeMap<String, Found> = BTreeMap::new();
    for (pod, node) in
        pods.iter().filter(|pod| is_work(pod)).filter_map(|pod| Some((pod, pod.node.as_ref()?)))
    {
        let id = id_of(pod);
        let Found { job, starts } = out.entry(id.clone()).or_insert_with(|| Found {
            job: Job { id, preemptible: true, ..Job::default() },
            starts: vec![],
        });
        *job.nodes.entry(node.clone()).or_default() += 1;
        job.gpus += pod.gpus;
        starts.extend(pod.started);
        job.gang |= pod.gang.is_some();
        job.preemptible &= pod.priority.as_deref() == Some(PREEMPTIBLE);
        job.never = job.never.take().or_else(|| pod.never_interrupt.clone());
        job.interactive |= pod.interactive;
    }
    out.into_values().map(|found| found.with(&declared, &there)).collect()
}

impl ClusterSurvey {
    /// The jobs on the nodes; none if the pods could not be seen.
    pub(crate) fn jobs(&self) -> Vec<Job> {
        self.pods.as_ref().map(|pods| jobs(pods, &self.gangs)).unwrap_or_default()
    }
}

/// A job, and when each of its pods began.
struct Found {
    job: Job,
    starts: Vec<Timestamp>,
}

impl Found {
    /// The job, with what is declared of it and how many pods each gang has, on a node or not.
    fn with(self, declared: &BTreeMap<&str, &GangView>, there: &BTreeMap<String, u32>) -> Job {
        let Self { mut job, mut starts } = self;
        starts.sort();
        let gang = declared.get(job.id.as_str()).filter(|_| job.gang);
        match gang.and_then(|gang| least(gang)) {
            // Each of its pods works alone.
            Some(1) => job.gang = false,
            Some(least) => {
                job.min_member = Some(least);
                job.wanted = gang.and_then(|gang| gang.pods).or(there.get(&job.id).copied());
            }
            None => {}
        }
        // A gang works only since so many of its pods run.
        let whole = job.min_member.and_then(|least| starts.get(least as usize - 1)).or(starts.last());
        job.since = if job.gang { whole } else { starts.first() }.copied();
        job
    }
}

/// With how many pods the gang works, at least; `None` if its object does not declare it.
pub fn least(gang: &GangView) -> Option<u32> {
    gang.min_member.or(gang.pods).filter(|least| *least > 0)
}

/// The pods of each gang that are not over, on a node or not.
pub fn members(pods: &[PodView]) -> BTreeMap<String, u32> {
    let mut out: BTreeMap<String, u32> = BTreeMap::new();
    for (pod, gang) in pods.iter().filter(|p| !p.finished).filter_map(|p| Some((p, p.gang.as_ref()?))) {
        *out.entry(format!("{}/{gang}", pod.namespace)).or_default() += 1;
    }
    out
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

/// GPU-seconds of work that a job loses with its pods on these nodes: all of a gang that is left with too few, else the share of these pods.
pub fn loss(job: &Job, nodes: &[NodeName], now: Timestamp) -> u64 {
    let here: u32 = nodes.iter().filter_map(|node| job.nodes.get(node)).sum();
    let all: u32 = job.nodes.values().sum();
    let age = job.since.map_or(0, |since| now.duration_since(since).as_secs().max(0) as u64);
    let whole = age * u64::from(job.gpus);
    match (here, job.gang && !job.goes_on_without(nodes)) {
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
        let jobs = jobs(&pods, &[]);
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

    /// A gang of four pods on two nodes that began one after another, and what its object declares of it.
    #[test]
    fn the_object_of_a_gang_says_how_many_pods_it_needs() {
        let member = |(n, node): (i64, &str)| PodView {
            gang: Some("PodGroup/llm".into()),
            gpus: 2,
            started: Some(at(10 * n)),
            ..pod("ml", &format!("llm-{n}"), node, "Job/llm")
        };
        let pods: Vec<PodView> =
            [(1, "dgx030"), (2, "dgx030"), (3, "dgx031"), (4, "dgx031")].map(member).into();
        let declares = |min_member, pods| GangView { id: "ml/PodGroup/llm".into(), min_member, pods };
        let other = GangView { id: "ml/PodGroup/other".into(), min_member: Some(1), pods: None };
        // What is declared; then: is it a gang, how many it needs, since when it works, and what it loses with one node at 140 s.
        let whole = 100 * 8;
        for (declared, gang, least, since, lost) in [
            (None, true, None, 40, whole),
            (Some(declares(None, None)), true, None, 40, whole),
            (Some(other), true, None, 40, whole),
            (Some(declares(Some(4), None)), true, Some(4), 40, whole),
            (Some(declares(None, Some(4))), true, Some(4), 40, whole),
            (Some(declares(Some(3), Some(4))), true, Some(3), 30, 110 * 8),
            (Some(declares(Some(2), Some(4))), true, Some(2), 20, 120 * 8 / 2),
            (Some(declares(Some(1), Some(4))), false, None, 10, 130 * 8 / 2),
            (Some(declares(Some(0), None)), true, None, 40, whole),
            // It does not work yet, because it waits for more pods: nobody knows since when it does.
            (Some(declares(Some(6), None)), true, Some(6), 40, whole),
        ] {
            let declared: Vec<GangView> = declared.into_iter().collect();
            let all = jobs(&pods, &declared);
            let [job] = &all[..] else { panic!("{all:?}") };
            assert_eq!((job.gang, job.min_member, job.since), (gang, least, Some(at(since))), "{declared:?}");
            assert_eq!(loss(job, &[name("dgx030")], at(140)), lost, "{declared:?}");
            let both = [name("dgx030"), name("dgx031")];
            let age = 140 - since;
            assert_eq!(loss(job, &both, at(140)), 8 * age as u64, "all is lost with all of its pods");
        }
    }

    #[test]
    fn a_gang_whose_pods_are_gone_is_no_job_and_has_no_members() {
        let gone = GangView { id: "ml/PodGroup/gone".into(), min_member: Some(4), pods: None };
        let over = PodView {
            gang: Some("PodGroup/gone".into()),
            finished: true,
            ..pod("ml", "gone-0", "dgx030", "Job/gone")
        };
        let waits =
            PodView { node: None, gang: Some("PodGroup/new".into()), ..pod("ml", "new-0", "x", "Job/new") };
        assert_eq!(jobs(&[over.clone(), waits.clone()], &[gone]), []);
        assert_eq!(members(&[over, waits]), [("ml/PodGroup/new".to_string(), 1)].into());
    }
}
