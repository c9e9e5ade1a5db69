//! Nodes, the jobs that work on them, and the queue of the jobs that wait.

use crate::trace::{Job, Trace};
use podlift_batches::Stage;
use std::collections::{BTreeMap, BTreeSet};

/// After so many seconds a job lets no other pass, so that large gangs get their nodes.
const PATIENCE: u64 = 6 * 3600;

#[derive(Clone)]
pub(crate) struct Cluster<'a> {
    pub jobs: &'a [Job],
    pub gpus_per_node: u32,
    pub nodes: Vec<Node>,
    pub running: BTreeMap<usize, Running>,
    /// By the time of submission. A job that was interrupted has its old place.
    queue: BTreeSet<usize>,
    /// Nodes to come are avoided where others are free, as by podlift's soft taint.
    pub avoid_to_come: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub free: u32,
    /// `Over` outside an upgrade.
    pub stage: Stage,
}

#[derive(Debug, Clone)]
pub(crate) struct Running {
    /// The nodes with the GPUs that the job has on each.
    pub on: Vec<(usize, u32)>,
    pub since: u64,
}

impl<'a> Cluster<'a> {
    pub fn new(trace: &'a Trace) -> Self {
        let node = Node { free: trace.fleet.gpus_per_node, stage: Stage::Over };
        Self {
            jobs: &trace.jobs,
            gpus_per_node: trace.fleet.gpus_per_node,
            nodes: vec![node; trace.fleet.nodes],
            running: BTreeMap::new(),
            queue: BTreeSet::new(),
            avoid_to_come: false,
        }
    }

    pub fn submit(&mut self, job: usize) {
        self.queue.insert(job);
    }

    /// Starts every job that fits, in the order of the queue. Gives the started ones.
    pub fn start(&mut self, now: u64) -> Vec<usize> {
        let mut started = vec![];
        let waiting: Vec<usize> = self.queue.iter().copied().collect();
        for job in waiting {
            match self.place(self.jobs[job].gpus) {
                Some(on) => {
                    on.iter().for_each(|(node, gpus)| self.nodes[*node].free -= gpus);
                    self.queue.remove(&job);
                    self.running.insert(job, Running { on, since: now });
                    started.push(job);
                }
                None if now.saturating_sub(self.jobs[job].submit) > PATIENCE => break,
                None => {}
            }
        }
        started
    }

    /// Ends a job, and gives what it had.
    pub fn end(&mut self, job: usize) -> Option<Running> {
        let running = self.running.remove(&job)?;
        for (node, gpus) in &running.on {
            self.nodes[*node].free += gpus;
        }
        Some(running)
    }

    /// The jobs with GPUs on one of the nodes.
    pub fn on(&self, nodes: &[usize]) -> Vec<usize> {
        let here = |running: &Running| running.on.iter().any(|(node, _)| nodes.contains(node));
        self.running.iter().filter(|(_, running)| here(running)).map(|(job, _)| *job).collect()
    }

    /// The nodes for a job: whole free nodes for a gang, otherwise the fullest node with room.
    fn place(&self, gpus: u32) -> Option<Vec<(usize, u32)>> {
        let per_node = self.gpus_per_node;
        let usable = |at: &usize| self.nodes[*at].stage != Stage::AtWork;
        let avoided = |at: usize| self.avoid_to_come && self.nodes[at].stage == Stage::ToCome;
        let all = (0..self.nodes.len()).filter(usable);
        if gpus < per_node {
            let fitting = all.filter(|at| self.nodes[*at].free >= gpus);
            return fitting
                .min_by_key(|at| (avoided(*at), self.nodes[*at].free, *at))
                .map(|at| vec![(at, gpus)]);
        }
        let need = (gpus / per_node) as usize;
        let mut free: Vec<usize> = all.filter(|at| self.nodes[*at].free == per_node).collect();
        free.sort_by_key(|at| (avoided(*at), *at));
        (free.len() >= need).then(|| free[..need].iter().map(|at| (*at, per_node)).collect())
    }
}
