//! A scene with numbers in the place of names, so that a decision about thousands of nodes is quick.

use crate::elastic::{self, Elastic};
use crate::groups::Members;
use crate::windows::Calendars;
use crate::{Job, Order, Scene, Stage, Worker};
use jiff::Timestamp;
use podlift_model::NodeName;
use std::collections::HashMap;

pub(crate) struct Field<'a> {
    /// In the order of names.
    pub nodes: Vec<Node<'a>>,
    /// Those with pods on a node to come, in the order of their ids.
    pub tasks: Vec<Task<'a>>,
    /// Values of the label of the topology, in the order of names.
    pub domains: Vec<&'a str>,
}

pub(crate) struct Node<'a> {
    pub name: &'a NodeName,
    pub stage: Stage,
    /// Down or cordoned, and not by this run.
    pub down: bool,
    pub group: Option<usize>,
    /// The number of the calendar by which its lane may begin.
    pub calendar: usize,
    /// That of its group, else that of the policy.
    pub order: Order,
    /// When its lane ended well.
    pub finished: Option<Timestamp>,
    pub failed: bool,
    /// `None`: the node lacks the label, or the policy has no topology.
    pub domain: Option<usize>,
    /// Its tasks with their pods here. Filled for a node to come.
    pub tasks: Vec<(usize, u32)>,
    /// Those of its tasks that are elastic gangs.
    pub elastic: Vec<(usize, u32)>,
}

pub(crate) struct Task<'a> {
    pub job: &'a Job,
    /// Its nodes that are to come, ascending.
    pub nodes: Vec<usize>,
    /// Its pods on all nodes, at least 1.
    pub pods: u64,
    pub past: Past,
    /// It is a gang that goes on without some of its pods.
    pub elastic: Option<Elastic>,
    /// The forecast has interrupted it and takes it to be somewhere else since.
    pub gone: bool,
}

/// What this run has done to a job before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Past {
    Untouched,
    /// It was interrupted, and these pods are from before: their work is lost already.
    Remnant,
    /// It was interrupted and has begun again on nodes to come.
    Again,
}

impl<'a> Field<'a> {
    pub fn of(scene: &Scene<'a>) -> Self {
        let mut workers: Vec<&Worker> = scene.workers.iter().collect();
        workers.sort_by(|a, b| a.node.cmp(&b.node));
        workers.dedup_by(|b, a| a.node == b.node);
        let domains = domains(scene, &workers);
        let members = Members::of(scene.policy);
        let label = scene.policy.topology.as_ref().map(|topology| &topology.label);
        let order = |group: Option<usize>| group.and_then(|at| scene.policy.groups[at].order);
        let group = |worker: &Worker| members.group(&worker.labels, worker.category.as_deref());
        let node = |(worker, group): (&&'a Worker, Option<usize>)| Node {
            name: &worker.node,
            stage: worker.stage,
            down: worker.unavailable && worker.stage != Stage::AtWork,
            group,
            calendar: Calendars::of_group(scene.policy, group),
            order: order(group).unwrap_or(scene.policy.order),
            finished: worker.finished,
            failed: worker.failed,
            domain: label
                .and_then(|label| worker.labels.get(label))
                .and_then(|value| domains.binary_search(&value.as_str()).ok()),
            tasks: vec![],
            elastic: vec![],
        };
        let nodes = workers.iter().map(|worker| node((worker, group(worker)))).collect();
        let mut field = Self { nodes, tasks: vec![], domains };
        field.add_tasks(scene);
        elastic::settle(&mut field);
        field
    }

    fn add_tasks(&mut self, scene: &Scene<'a>) {
        let nodes = self.nodes.iter().enumerate();
        let index: HashMap<&NodeName, usize> =
            nodes.filter(|(_, node)| node.stage == Stage::ToCome).map(|(at, node)| (node.name, at)).collect();
        let mut jobs: Vec<&Job> = scene.jobs.iter().collect();
        jobs.sort_by(|a, b| a.id.cmp(&b.id));
        for job in jobs {
            let on = |(name, pods): (&NodeName, &u32)| Some((*index.get(name)?, *pods));
            let here: Vec<(usize, u32)> = job.nodes.iter().filter_map(on).filter(|(_, n)| *n > 0).collect();
            if here.is_empty() {
                continue;
            }
            for (node, pods) in &here {
                self.nodes[*node].tasks.push((self.tasks.len(), *pods));
            }
            self.tasks.push(Task {
                job,
                nodes: here.into_iter().map(|(node, _)| node).collect(),
                pods: job.nodes.values().map(|pods| u64::from(*pods)).sum::<u64>().max(1),
                past: Past::of(job, scene.interrupted.get(&job.id).copied()),
                elastic: None,
                gone: false,
            });
        }
    }

    /// The nodes to come, ascending.
    pub fn to_come(&self) -> Vec<usize> {
        (0..self.nodes.len()).filter(|at| self.nodes[*at].stage == Stage::ToCome).collect()
    }

    pub fn names(&self, nodes: &[usize]) -> Vec<&'a NodeName> {
        nodes.iter().map(|at| self.nodes[*at].name).collect()
    }
}

impl Past {
    /// A gang is interrupted as a whole, and a job on one node as well. The pods of other jobs are interrupted one by one, so what was
    /// done to one of them says nothing about the others.
    fn of(job: &Job, interrupted: Option<Timestamp>) -> Self {
        let Some(at) = interrupted else { return Self::Untouched };
        match job.since {
            _ if !job.gang && job.nodes.len() > 1 => Self::Untouched,
            Some(since) if since < at => Self::Remnant,
            _ => Self::Again,
        }
    }
}

impl Task<'_> {
    /// Whether work is lost when it is interrupted: it uses GPUs, or its pods depend on each other.
    pub fn counts(&self) -> bool {
        !self.gone && (self.job.gpus > 0 || self.job.gang)
    }

    /// A gang that joins its nodes to a unit.
    pub fn joins(&self) -> bool {
        self.job.gang && self.elastic.is_none() && !self.gone && self.nodes.len() > 1
    }
}

fn domains<'a>(scene: &Scene<'a>, workers: &[&'a Worker]) -> Vec<&'a str> {
    let Some(topology) = &scene.policy.topology else { return vec![] };
    let value = |worker: &&'a Worker| worker.labels.get(&topology.label).map(String::as_str);
    let mut values: Vec<&str> = workers.iter().filter_map(value).collect();
    values.sort_unstable();
    values.dedup();
    values
}
