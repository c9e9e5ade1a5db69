//! What a step can read: the program, the run so far, and the step itself.

use super::image_packages::PACKAGES;
use super::{Assess, Policy, blocked};
use crate::doors::{Act, Probe};
use crate::inventory::NodeRole;
use crate::machine::RunState;
use crate::program::{Program, StepSpec};
use podlift_model::{HostOp, Look, NodeName};
use std::time::Duration;

pub struct Cx<'a> {
    pub state: &'a RunState,
    pub step: &'a StepSpec,
    /// Number of lanes of the same phase before this one that are at work.
    pub ahead: u32,
    /// An op of this step has ended as Done in this attempt.
    pub acted: bool,
}

impl<'a> Cx<'a> {
    pub fn program(&self) -> &'a Program {
        &self.state.plan
    }

    /// The step's node. Steps of the cluster as a whole have none; if they need one, they use the first control-plane node that takes part.
    pub fn node(&self) -> NodeName {
        let servers = || self.program().inventory.control_planes().map(|n| &n.name);
        let there = || servers().find(|n| !self.state.deferred.contains_key(*n));
        let node = self.step.node.as_ref().or_else(there).or_else(|| self.program().first());
        node.cloned().unwrap_or_else(|| unreachable!("a plan has a control-plane node: the planner checked"))
    }

    /// Addresses of the API servers that take part.
    pub fn api_servers(&self) -> Vec<String> {
        let servers = self.program().inventory.control_planes();
        let there = servers.filter(|n| !self.state.goes_without(&n.name));
        there.filter_map(|n| n.facts.as_ref()?.advertise.clone()).collect()
    }

    pub fn role(&self) -> NodeRole {
        self.program().inventory.get(&self.node()).map_or(NodeRole::Worker, |n| n.role)
    }

    pub fn look(&self, look: Look) -> Probe {
        Probe::Node(self.node(), look)
    }

    pub fn host(&self, op: HostOp) -> Option<Act> {
        Some(Act::Node(self.node(), op))
    }

    /// The packages of Kubernetes that were held on the step's node when the plan was made, for the record of the node as it was. Empty if
    /// its agent had reported nothing.
    pub fn held(&self) -> Vec<String> {
        let facts = self.program().inventory.get(&self.node()).and_then(|entry| entry.facts.as_ref());
        let held = |name: &&str| facts.is_some_and(|f| f.packages.get(*name).is_some_and(|p| p.held));
        PACKAGES.map(|package| package.name()).into_iter().filter(held).map(String::from).collect()
    }

    /// Whether an operator has declared the step's node lost. Its Node object may still be there.
    pub fn is_lost(&self) -> bool {
        self.step.node.as_ref().is_some_and(|node| self.state.lost.contains_key(node))
    }

    /// The op that undoes what the step has done to its machine; `None` if the machine is lost.
    pub fn undo_host(&self, op: HostOp) -> Option<Act> {
        self.host(op).filter(|_| !self.is_lost())
    }

    /// Whether this step's lane has a step with this verb.
    pub fn in_lane(&self, verb: &str) -> bool {
        let here = |s: &StepSpec| s.phase == self.step.phase && s.kind.step().verb() == verb;
        match &self.step.node {
            Some(node) => self.state.steps_of(node).any(|(s, _)| here(s)),
            None => self.program().steps().any(|s| s.node.is_none() && here(s)),
        }
    }

    /// Whether this step's lane has a step with this verb before it.
    pub fn comes_after(&self, verb: &str) -> bool {
        let before = |s: &StepSpec| {
            s.phase == self.step.phase && s.number < self.step.number && s.kind.step().verb() == verb
        };
        match &self.step.node {
            Some(node) => self.state.steps_of(node).any(|(s, _)| before(s)),
            None => self.program().steps().any(|s| s.node.is_none() && before(s)),
        }
    }

    /// The verdict that an earlier step's result is gone. It is done again once; after that an operator has to look.
    pub fn again(&self, verbs: &[&str], why: String) -> Assess {
        match self.state.step(&self.step.id).is_some_and(|s| s.redone > 0) {
            false => Assess::Again { verbs: self.planned(verbs), why },
            true => {
                blocked("earlier-lost", format!("{why}, again; find out what takes it away"), "podlift retry")
            }
        }
    }

    /// Those of the verbs that the run has for this node or the cluster; for a step of the cluster, those that it has for any node.
    fn planned(&self, verbs: &[&str]) -> Vec<String> {
        let of_node = |verb: &str| {
            let mut steps = self.step.node.iter().flat_map(|node| self.state.steps_of(node));
            steps.any(|(spec, _)| spec.kind.step().verb() == verb)
        };
        let any = self.step.node.is_none();
        let of_cluster = |verb: &str| {
            self.program().steps().any(|s| (any || s.node.is_none()) && s.kind.step().verb() == verb)
        };
        verbs.iter().filter(|verb| of_node(verb) || of_cluster(verb)).map(ToString::to_string).collect()
    }

    /// The default limits. A step of a node waits longer where others of its class have needed longer.
    pub fn policy(&self) -> Policy {
        let configured = Duration::from_secs(self.program().options.wait_seconds.into());
        Policy {
            wait: self.at_least(configured),
            poll: Duration::ZERO,
            soak: Duration::ZERO,
            retries: 3,
            repeatable: true,
        }
    }

    /// This limit of a wait, or the longer one that follows from the nodes of the same class that are through with this step.
    pub fn at_least(&self, configured: Duration) -> Duration {
        let of = |node: &NodeName| self.state.learned_limit(node, &self.step.kind.step().verb());
        self.step.node.as_ref().and_then(of).map_or(configured, |learned| learned.max(configured))
    }
}
