//! A large fleet: gangs of 1 to 32 neighbours, and services with pods on many nodes.

use jiff::{SignedDuration, Timestamp};
use podlift_batches::{Job, Policy, Scene, Stage, Worker};
use podlift_model::NodeName;
use std::collections::{BTreeMap, BTreeSet};

pub struct Large {
    now: Timestamp,
    policy: Policy,
    workers: Vec<Worker>,
    jobs: Vec<Job>,
    interrupted: BTreeMap<String, Timestamp>,
    agreed: BTreeSet<String>,
}

impl Large {
    /// So many nodes and gangs, and further jobs until there are so many pods. A node has at most one larger gang; the other gangs have
    /// one node.
    pub fn new(nodes: usize, gangs: usize, pods: usize) -> Self {
        let now: Timestamp = "2026-11-30T12:00:00Z".parse().expect("a time");
        let names: Vec<NodeName> = (0..nodes).map(|n| node(&format!("dgx-{n:04}"))).collect();
        let mut jobs = vec![];
        let mut first = 0;
        for n in 0..gangs {
            let size = if first < nodes { (n * 7 % 32 + 1).min(nodes - first) } else { 1 };
            let at = if first < nodes { first } else { n * 13 % nodes };
            first += size;
            jobs.push(job(format!("ml/PyTorchJob/train-{n:05}"), &names[at..at + size], now, n, true));
        }
        let mut count: usize = jobs.iter().map(|job: &Job| job.nodes.len()).sum();
        for n in 0.. {
            if count >= pods {
                break;
            }
            let size = (n * 5 % 8 + 1).min(pods - count);
            let on: Vec<NodeName> = (0..size).map(|k| names[(n * 31 + k * 101) % nodes].clone()).collect();
            count += size;
            jobs.push(job(format!("web/Deployment/service-{n:05}"), &on, now, n, false));
        }
        let label = |n: usize| BTreeMap::from([("rack".to_string(), format!("r{:03}", n / 16))]);
        let worker = |(n, node): (usize, NodeName)| Worker {
            node,
            stage: Stage::ToCome,
            unavailable: false,
            labels: label(n),
            category: None,
            finished: None,
            failed: false,
        };
        Self {
            now,
            policy: Policy::default(),
            workers: names.into_iter().enumerate().map(worker).collect(),
            jobs,
            interrupted: BTreeMap::new(),
            agreed: BTreeSet::new(),
        }
    }

    /// Nodes, gangs and pods.
    #[allow(dead_code)] // for the test that shares this file
    pub fn counts(&self) -> (usize, usize, usize) {
        let gangs = self.jobs.iter().filter(|job| job.gang).count();
        let pods: u32 = self.jobs.iter().flat_map(|job| job.nodes.values()).sum();
        (self.workers.len(), gangs, pods as usize)
    }

    pub fn scene(&self, max_unavailable: u32) -> Scene<'_> {
        Scene {
            now: self.now,
            started: self.now,
            policy: &self.policy,
            max_unavailable,
            lanes_at_most: max_unavailable,
            workers: &self.workers,
            jobs: &self.jobs,
            interrupted: &self.interrupted,
            agreed: &self.agreed,
            lane_seconds: 1800,
            batches_done: 0,
        }
    }
}

fn node(name: &str) -> NodeName {
    NodeName::new(name).expect("a name")
}

fn job(id: String, nodes: &[NodeName], now: Timestamp, n: usize, gang: bool) -> Job {
    Job {
        id,
        nodes: nodes.iter().map(|node| (node.clone(), 1)).collect(),
        gpus: if gang { 8 * nodes.len() as u32 } else { 0 },
        since: Some(now - SignedDuration::from_mins((n * 37 % 10_000) as i64)),
        gang,
        ..Job::default()
    }
}
