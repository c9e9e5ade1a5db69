//! Jobs of the small fleet: an eviction ends the whole job, and the job begins again on nodes that have room, as a gang scheduler and the
//! soft taint make it.

use podlift_engine::doors::NodeView;
use podlift_engine::survey::PodView;
use podlift_model::NodeName;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Default)]
pub struct Work {
    jobs: BTreeMap<String, Job>,
}

#[derive(Debug)]
struct Job {
    /// Number of its pods, one on each node.
    size: usize,
    /// Empty while it waits for room.
    nodes: BTreeSet<NodeName>,
    /// How often an eviction has ended it.
    ended: u32,
}

impl Work {
    /// A job with one pod of 8 GPUs on each of these nodes.
    pub fn begin(&mut self, name: &str, nodes: impl IntoIterator<Item = NodeName>) {
        let nodes: BTreeSet<NodeName> = nodes.into_iter().collect();
        self.jobs.insert(name.into(), Job { size: nodes.len(), nodes, ended: 0 });
    }

    /// How often an eviction has ended the job.
    pub fn ended(&self, name: &str) -> u32 {
        self.jobs[name].ended
    }

    pub fn finish(&mut self, name: &str) {
        self.jobs.remove(name);
    }

    pub(super) fn pods(&self) -> Vec<PodView> {
        let of = |(name, job): (&String, &Job)| -> Vec<PodView> {
            let numbered = job.nodes.iter().enumerate();
            numbered.map(|(number, node)| pod(name, number, node)).collect()
        };
        self.jobs.iter().flat_map(of).collect()
    }

    /// namespace/name of the pods on a node.
    pub(super) fn names_on(&self, node: &NodeName) -> Vec<String> {
        let here = self.pods().into_iter().filter(|pod| pod.node.as_ref() == Some(node));
        here.map(|pod| format!("{}/{}", pod.namespace, pod.name)).collect()
    }

    pub(super) fn evict(&mut self, node: &NodeName) {
        for job in self.jobs.values_mut().filter(|job| job.nodes.contains(node)) {
            job.nodes.clear();
            job.ended += 1;
        }
    }

    /// Places the jobs that wait: on nodes without the soft taint first.
    pub(super) fn place(&mut self, views: &BTreeMap<NodeName, NodeView>) {
        let waiting: Vec<String> =
            self.jobs.iter().filter(|(_, job)| job.nodes.is_empty()).map(|(name, _)| name.clone()).collect();
        for name in waiting {
            let used: BTreeSet<&NodeName> = self.jobs.values().flat_map(|job| &job.nodes).collect();
            let fits = |view: &&NodeView| {
                !view.control_plane && view.ready && !view.unschedulable && !used.contains(&view.name)
            };
            let mut free: Vec<&NodeView> = views.values().filter(fits).collect();
            free.sort_by_key(|view| (view.soft_taint.is_some(), view.name.clone()));
            let size = self.jobs[&name].size;
            if free.len() < size {
                continue;
            }
            let nodes = free.into_iter().take(size).map(|view| view.name.clone()).collect();
            if let Some(job) = self.jobs.get_mut(&name) {
                job.nodes = nodes;
            }
        }
    }
}

fn pod(job: &str, number: usize, node: &NodeName) -> PodView {
    PodView {
        namespace: "lab".into(),
        name: format!("{job}-{number}"),
        node: Some(node.clone()),
        phase: "Running".into(),
        ready: true,
        owner: Some(format!("PyTorchJob/{job}")),
        gang: Some(format!("PyTorchJob/{job}")),
        gpus: 8,
        started: "2026-11-21T02:00:00Z".parse().ok(),
        ..PodView::default()
    }
}
