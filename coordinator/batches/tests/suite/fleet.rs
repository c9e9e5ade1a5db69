//! A small fleet, built line by line.

use jiff::{SignedDuration, Timestamp};
use podlift_batches::{Batch, Decision, Job, Policy, Scene, Stage, Worker, decide};
use podlift_model::NodeName;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Fleet {
    pub now: Timestamp,
    pub started: Timestamp,
    pub policy: Policy,
    pub max: u32,
    pub lanes: u32,
    pub workers: Vec<Worker>,
    pub jobs: Vec<Job>,
    pub interrupted: BTreeMap<String, Timestamp>,
    pub agreed: BTreeSet<String>,
    pub lane_seconds: u64,
    pub batches_done: u32,
}

pub fn name(text: &str) -> NodeName {
    NodeName::new(text).unwrap()
}

/// Monday, 30 November 2026, at noon.
pub fn noon() -> Timestamp {
    "2026-11-30T12:00:00Z".parse().unwrap()
}

pub fn policy(json: serde_json::Value) -> Policy {
    let policy: Policy = serde_json::from_value(json).unwrap();
    policy.validate().unwrap();
    policy
}

impl Fleet {
    /// Nodes to come, all idle, of which `max` may be unavailable.
    pub fn new(max: u32, nodes: &[&str]) -> Self {
        let worker = |node: &&str| Worker {
            node: name(node),
            stage: Stage::ToCome,
            unavailable: false,
            labels: BTreeMap::new(),
            category: None,
            finished: None,
            failed: false,
        };
        Self {
            now: noon(),
            started: noon(),
            policy: Policy::default(),
            max,
            lanes: u32::MAX,
            workers: nodes.iter().map(worker).collect(),
            jobs: vec![],
            interrupted: BTreeMap::new(),
            agreed: BTreeSet::new(),
            lane_seconds: 1800,
            batches_done: 0,
        }
    }

    pub fn policy(mut self, json: serde_json::Value) -> Self {
        self.policy = policy(json);
        self
    }

    pub fn worker(&mut self, node: &str) -> &mut Worker {
        self.workers.iter_mut().find(|worker| worker.node.as_str() == node).unwrap()
    }

    pub fn stage(mut self, node: &str, stage: Stage) -> Self {
        self.worker(node).stage = stage;
        self
    }

    /// Its lane ended well so many minutes ago.
    pub fn finished(mut self, node: &str, minutes: i64) -> Self {
        let end = self.now - SignedDuration::from_mins(minutes);
        let worker = self.worker(node);
        (worker.stage, worker.finished) = (Stage::Over, Some(end));
        self
    }

    /// Its lane has failed, and the run goes on without it.
    pub fn failed(mut self, node: &str) -> Self {
        let worker = self.worker(node);
        (worker.stage, worker.failed) = (Stage::Out, true);
        self
    }

    pub fn down(mut self, node: &str) -> Self {
        self.worker(node).unavailable = true;
        self
    }

    pub fn label(mut self, key: &str, values: &[(&str, &str)]) -> Self {
        for (node, value) in values {
            self.worker(node).labels.insert(key.into(), value.to_string());
        }
        self
    }

    pub fn category(mut self, name: &str, nodes: &[&str]) -> Self {
        for node in nodes {
            self.worker(node).category = Some(name.into());
        }
        self
    }

    /// A job with one pod on each node and 8 GPUs a pod, that has worked for so many hours.
    pub fn job(self, id: &str, nodes: &[&str], hours: i64) -> Self {
        self.with(id, nodes, hours, |_| ())
    }

    pub fn gang(self, id: &str, nodes: &[&str], hours: i64) -> Self {
        self.with(id, nodes, hours, |job| job.gang = true)
    }

    /// A gang that goes on with so many of its pods.
    pub fn elastic(self, id: &str, nodes: &[&str], least: u32) -> Self {
        self.with(id, nodes, 1, |job| (job.gang, job.min_member) = (true, Some(least)))
    }

    pub fn with(mut self, id: &str, nodes: &[&str], hours: i64, change: impl Fn(&mut Job)) -> Self {
        let mut job = Job {
            id: id.into(),
            nodes: nodes.iter().map(|node| (name(node), 1)).collect(),
            gpus: 8 * nodes.len() as u32,
            since: Some(self.now - SignedDuration::from_hours(hours)),
            ..Job::default()
        };
        change(&mut job);
        self.jobs.push(job);
        self
    }

    pub fn scene(&self) -> Scene<'_> {
        Scene {
            now: self.now,
            started: self.started,
            policy: &self.policy,
            max_unavailable: self.max,
            lanes_at_most: self.lanes,
            workers: &self.workers,
            jobs: &self.jobs,
            interrupted: &self.interrupted,
            agreed: &self.agreed,
            lane_seconds: self.lane_seconds,
            batches_done: self.batches_done,
        }
    }

    pub fn decide(&self) -> Decision {
        decide(&self.scene())
    }

    pub fn batch(&self) -> Batch {
        match self.decide() {
            Decision::Take(batch) => batch,
            other => panic!("expected a batch: {other:?}"),
        }
    }

    /// The nodes of the next batch, joined by spaces.
    pub fn next(&self) -> String {
        join(&self.batch().nodes)
    }

    pub fn waits(&self) -> (String, Option<Timestamp>) {
        match self.decide() {
            Decision::Wait { why, until } => (why, until),
            other => panic!("expected a wait: {other:?}"),
        }
    }

    /// Takes batches whose lanes end at once, and whose jobs stay away, until nothing is left to take.
    pub fn order(mut self) -> Vec<String> {
        let mut order = vec![];
        while let Decision::Take(batch) = self.decide() {
            let end = Some(self.now);
            for worker in self.workers.iter_mut().filter(|worker| batch.nodes.contains(&worker.node)) {
                (worker.stage, worker.finished) = (Stage::Over, end);
            }
            self.jobs.retain(|job| !batch.interrupts.contains(&job.id));
            self.batches_done += 1;
            order.push(join(&batch.nodes));
        }
        order
    }
}

pub fn join(nodes: &[NodeName]) -> String {
    nodes.iter().map(NodeName::as_str).collect::<Vec<_>>().join(" ")
}
