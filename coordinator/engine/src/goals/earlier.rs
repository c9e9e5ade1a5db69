//! What the runs of the journal have left, as far as a new plan depends on it: the record from before a run began work on a node that it has
//! not finished, and the version at which each node's kubelet was left.

use crate::machine::{RunState, StepStatus};
use crate::program::{Evidence, Recorded};
use crate::survey::{LoadBalancerView, ServedCertificate};
use jiff::Timestamp;
use podlift_model::{KubeVersion, NodeName, RunId};
use std::collections::BTreeMap;

/// A node as a run has left it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    pub kubelet: KubeVersion,
    pub run: RunId,
    /// Time of the run's last event.
    pub at: Timestamp,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Earlier {
    /// Records of the nodes that the newest run has not finished (`Recorded::since`), and of no other part.
    pub recorded: Recorded,
    /// Services, certificates and TLS secrets as the newest run that recorded them has left them (`site`).
    pub site: Recorded,
    /// Nodes whose upgrade a run has finished, as the last of these runs left them.
    pub left: BTreeMap<NodeName, Left>,
    /// Nodes that a run has deferred and that no later run has upgraded. Nodes that are lost are not among them.
    pub deferred: BTreeMap<NodeName, Deferral>,
}

/// A node as an operator, the policy or the run itself has deferred it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deferral {
    pub reason: String,
    /// Plans leave the node out until then.
    pub until: Option<Timestamp>,
    pub run: RunId,
}

impl Earlier {
    /// From the ended runs of the journal, the oldest first.
    pub fn of<'a>(runs: impl Iterator<Item = &'a RunState>) -> Self {
        let mut out = Self::default();
        for state in runs {
            out.recorded = unfinished(state);
            out.site = site(state).unwrap_or(out.site);
            out.defer(state);
            let nodes = state.plan.inventory.nodes.iter().map(|n| &n.name);
            for node in nodes.filter(|node| state.is_upgraded(node)) {
                let left = Left { kubelet: state.plan.to(), run: state.run.clone(), at: state.last };
                out.left.insert(node.clone(), left);
            }
        }
        out
    }

    /// What the run has deferred, and no longer what it has upgraded or lost.
    fn defer(&mut self, state: &RunState) {
        self.deferred.retain(|node, _| !state.lost.contains_key(node) && !state.is_upgraded(node));
        // A node that a request left out was not deferred, and a later run takes it by itself.
        let left_out = |node: &NodeName, reason: &String| {
            state.plan.left_out(node).is_some_and(|out| out.until.is_none() && out.why == *reason)
        };
        let deferred = state.deferred.iter().filter(|(node, why)| !left_out(node, why));
        for (node, reason) in deferred.filter(|(node, _)| !state.lost.contains_key(*node)) {
            let (until, run) = (state.deferred_until.get(node).copied(), state.run.clone());
            self.deferred.insert(node.clone(), Deferral { reason: reason.clone(), until, run });
        }
    }
}

/// The records of nodes that the run changed and has not finished, or that were unfinished when it began and still are.
fn unfinished(state: &RunState) -> Recorded {
    let recorded = &state.plan.recorded;
    let changed = |node: &NodeName| {
        let mut steps = state.steps_of(node);
        steps.any(|(spec, step)| step.attempts > 0 && spec.kind.step().changes_node())
    };
    let open =
        |node: &NodeName| (recorded.since.contains_key(node) || changed(node)) && !state.is_upgraded(node);
    let mut out = Recorded {
        hardware: recorded.hardware.clone(),
        mounts: recorded.mounts.clone(),
        infiniband: recorded.infiniband.clone(),
        since: recorded.since.clone(),
        ..Recorded::default()
    };
    out.retain_nodes(open);
    for node in state.plan.inventory.nodes.iter().map(|n| &n.name).filter(|node| open(node)) {
        out.since.entry(node.clone()).or_insert_with(|| state.run.clone());
    }
    out
}

/// Services, served certificates and TLS secrets of the run's record, for those who watch on after it. What an operator has accepted as changed
/// or refused to have restored is no part of it any more. `None` if the run recorded nothing of them.
pub fn site(state: &RunState) -> Option<Recorded> {
    let recorded = &state.plan.recorded;
    let has = |seen: bool| seen.then_some(());
    has(recorded.load_balancers.as_ref().is_ok_and(|all| !all.is_empty())
        || recorded.served.as_ref().is_ok_and(|all| !all.is_empty()))?;
    let changed: Vec<&str> = state
        .steps
        .values()
        .filter_map(|step| match &step.status {
            StepStatus::Done { evidence: Evidence::Compared { findings, .. } } => Some(findings),
            _ => None,
        })
        .flatten()
        .map(|finding| finding.evidence.as_str())
        .collect();
    let is_of = |text: &str| changed.iter().any(|evidence| evidence.contains(text));
    let services = |all: Vec<LoadBalancerView>| {
        let kept = |s: &LoadBalancerView| !is_of(&format!("service {}/{} ", s.namespace, s.name));
        all.into_iter().filter(kept).collect()
    };
    let served = |all: Vec<ServedCertificate>| {
        let kept = |s: &ServedCertificate| !is_of(&format!("{} at {} ", s.server_name, s.address));
        all.into_iter().filter(kept).collect()
    };
    Some(Recorded {
        load_balancers: recorded.load_balancers.clone().map(services),
        served: recorded.served.clone().map(served),
        tls_secrets: recorded.tls_secrets.clone(),
        not_ready: recorded.not_ready.clone(),
        ..Recorded::default()
    })
}
