//! The three ways through the workers: each says which nodes are next.

use crate::cluster::Cluster;
use crate::trace::Trace;
use jiff::{SignedDuration, Timestamp};
use podlift_batches::{Decision, Job, Limit, Policy, Scene, Stage, Worker, decide};
use podlift_model::NodeName;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// The limit of a policy that names none.
const USUAL: Limit = Limit::Percent(10);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// One node after the other by name, as in the runbook.
    NodeByNode,
    /// As many nodes as may be unavailable, by name; the next batch begins when each of them is over.
    PlainBatches,
    /// What `podlift_batches::decide` says, with the soft taint of podlift.
    Podlift,
}

impl Way {
    pub const ALL: [Self; 3] = [Self::NodeByNode, Self::PlainBatches, Self::Podlift];

    pub fn title(self) -> &'static str {
        match self {
            Self::NodeByNode => "node by node",
            Self::PlainBatches => "plain batches",
            Self::Podlift => "podlift's order",
        }
    }
}

/// How many nodes may be unavailable together.
pub(crate) fn limit(policy: &Policy, nodes: usize) -> usize {
    policy.max_unavailable.unwrap_or(USUAL).of(nodes)
}

/// What happens next in an upgrade.
pub(crate) enum Next {
    Take(Vec<usize>),
    /// Nothing before that second, unless a lane or a job ends.
    At(u64),
    Leave(Vec<usize>),
    /// Nothing until a lane or a job ends.
    Later,
}

/// One upgrade.
#[derive(Clone)]
pub(crate) struct Rollout<'a> {
    way: Way,
    policy: &'a Policy,
    starts: Timestamp,
    began: u64,
    lane_seconds: u64,
    max: usize,
    names: Vec<NodeName>,
    labels: Vec<BTreeMap<String, String>>,
    /// When the lane of each node ended.
    finished: Vec<Option<Timestamp>>,
    interrupted: BTreeMap<String, Timestamp>,
    agreed: BTreeSet<String>,
    batches_done: u32,
}

impl<'a> Rollout<'a> {
    pub fn new(way: Way, policy: &'a Policy, trace: &Trace, began: u64) -> Self {
        let fleet = &trace.fleet;
        let rack =
            |at: usize| BTreeMap::from([("rack".into(), format!("r{:03}", at / fleet.nodes_per_rack))]);
        Self {
            way,
            policy,
            starts: trace.starts,
            began,
            lane_seconds: trace.upgrades.lane_seconds,
            max: limit(policy, fleet.nodes),
            names: (0..fleet.nodes).filter_map(|at| NodeName::new(format!("dgx-{at:04}")).ok()).collect(),
            labels: (0..fleet.nodes).map(rack).collect(),
            finished: vec![None; fleet.nodes],
            interrupted: BTreeMap::new(),
            agreed: BTreeSet::new(),
            batches_done: 0,
        }
    }

    pub fn next(&mut self, cluster: &Cluster, now: u64) -> Next {
        let stage = |stage: Stage| {
            let nodes = cluster.nodes.iter().enumerate();
            nodes.filter(move |(_, node)| node.stage == stage).map(|(at, _)| at)
        };
        let size = match self.way {
            Way::NodeByNode => 1,
            Way::PlainBatches => self.max,
            Way::Podlift => return self.decide(cluster, now),
        };
        let batch: Vec<usize> = stage(Stage::ToCome).take(size).collect();
        if batch.is_empty() || stage(Stage::AtWork).next().is_some() {
            Next::Later
        } else {
            Next::Take(batch)
        }
    }

    /// The scheduler's own decision.
    fn decide(&mut self, cluster: &Cluster, now: u64) -> Next {
        let workers = self.workers(cluster);
        let jobs = self.jobs(cluster);
        loop {
            let scene = Scene {
                now: self.time(now),
                started: self.time(self.began),
                policy: self.policy,
                max_unavailable: self.max as u32,
                lanes_at_most: self.max as u32,
                workers: &workers,
                jobs: &jobs,
                interrupted: &self.interrupted,
                agreed: &self.agreed,
                lane_seconds: self.lane_seconds,
                batches_done: self.batches_done,
            };
            let at = |node: &NodeName| self.names.binary_search(node).ok();
            match decide(&scene) {
                Decision::Take(batch) => {
                    let time = self.time(now);
                    let nodes = batch.nodes.iter().filter_map(at).collect();
                    self.interrupted.extend(batch.interrupts.into_iter().map(|id| (id, time)));
                    return Next::Take(nodes);
                }
                Decision::Leave { nodes, .. } => return Next::Leave(nodes.iter().filter_map(at).collect()),
                Decision::Wait { until: Some(until), .. } => return Next::At(self.second(until)),
                // The operator of the simulation agrees at once.
                Decision::Ask { jobs, .. } if !jobs.iter().all(|job| self.agreed.contains(job)) => {
                    self.agreed.extend(jobs)
                }
                Decision::Ask { .. } | Decision::Wait { .. } | Decision::Nothing => return Next::Later,
            }
        }
    }

    /// The seconds that the fastest upgrade takes, with lanes of this length together.
    pub fn fastest(&self, lanes: u64) -> u64 {
        lanes / self.max as u64
    }

    /// Whether nodes to come carry the soft taint.
    pub fn taints(&self) -> bool {
        self.way == Way::Podlift
    }

    pub fn lane_is_over(&mut self, node: usize, now: u64) {
        self.finished[node] = Some(self.time(now));
    }

    /// Every lane that has begun is over.
    pub fn batch_is_over(&mut self) {
        self.batches_done += 1;
    }

    fn time(&self, second: u64) -> Timestamp {
        self.starts.saturating_add(SignedDuration::from_secs(second as i64)).unwrap_or(Timestamp::MAX)
    }

    fn second(&self, time: Timestamp) -> u64 {
        let time = time.duration_since(self.starts);
        time.as_secs().max(0).unsigned_abs() + u64::from(time.subsec_nanos() > 0)
    }

    fn workers(&self, cluster: &Cluster) -> Vec<Worker> {
        let worker = |(at, node): (usize, &crate::cluster::Node)| Worker {
            node: self.names[at].clone(),
            stage: node.stage,
            unavailable: false,
            labels: self.labels[at].clone(),
            category: None,
            finished: self.finished[at],
            failed: false,
        };
        cluster.nodes.iter().enumerate().map(worker).collect()
    }

    fn jobs(&self, cluster: &Cluster) -> Vec<Job> {
        let job = |(at, running): (&usize, &crate::cluster::Running)| Job {
            id: cluster.jobs[*at].id.clone(),
            nodes: running.on.iter().map(|(node, _)| (self.names[*node].clone(), 1)).collect(),
            gpus: cluster.jobs[*at].gpus,
            since: Some(self.time(running.since)),
            gang: running.on.len() > 1,
            preemptible: cluster.jobs[*at].preemptible,
            ..Job::default()
        };
        cluster.running.iter().map(job).collect()
    }
}
