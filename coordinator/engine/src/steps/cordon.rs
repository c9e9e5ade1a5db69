//! Cordons a node, with owner and epoch in one patch. A node that was cordoned by others stays as it is; a cordon that an ended run of this
//! journal has left is taken over. The step waits for its turn without a limit, because other nodes may need long.

use super::reply::{all, blocked, done, odd};
use super::{Assess, Cx, Policy, Step, Touches};
use crate::doors::{Act, ClusterAct, ClusterLook, ClusterReply, NodeView, Probe, Reply};
use crate::inventory::NodeRole;
use crate::listed::listed;
use crate::machine::{RunStatus, StepStatus};
use podlift_model::{NodeName, RunId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cordon {}

/// Whether the node carries this run's cordon.
pub fn ours(cx: &Cx, node: &NodeView) -> bool {
    node.cordon_owner().is_some_and(|o| o.run == cx.state.run)
}

impl Step for Cordon {
    fn verb(&self) -> String {
        "cordon".into()
    }
    fn touches(&self) -> Touches {
        Touches::Cluster
    }
    fn counterpart(&self) -> Option<&'static str> {
        Some("uncordon")
    }
    fn may_be_deferred(&self) -> bool {
        true
    }
    fn sample() -> Self {
        Self {}
    }

    /// Asks for the node itself as it is now. The counts of the other nodes may be a second old.
    fn probe(&self, cx: &Cx) -> Probe {
        let looks = [ClusterLook::Node { node: cx.node() }, ClusterLook::NodesLately];
        Probe::All(looks.into_iter().map(Probe::Cluster).collect())
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let [Reply::Cluster(ClusterReply::Node(node)), Reply::Cluster(ClusterReply::Nodes(nodes))] =
            all(reply)
        else {
            return odd(reply);
        };
        if node.unschedulable {
            return match node.cordon_owner() {
                Some(_) if ours(cx, node) => done("cordoned by this run"),
                Some(owner) if owner.over => Assess::Ready,
                Some(owner) => unknown(node, &owner.run),
                None => done("was cordoned before by somebody else: stays so"),
            };
        }
        match cx.role() {
            NodeRole::Worker => {
                full(cx, nodes).or_else(|| storage(cx, nodes)).map_or(Assess::Ready, Assess::Wait)
            }
            NodeRole::ControlPlane => Assess::Ready,
        }
    }

    fn act(&self, cx: &Cx, reply: &Reply) -> Option<Act> {
        let (node, run) = (cx.node(), cx.state.run.clone());
        Some(Act::Cluster(ClusterAct::Cordon { node, run, from: left_by(reply), held: cx.held() }))
    }

    fn policy(&self, cx: &Cx) -> Policy {
        Policy { wait: Duration::MAX, ..cx.policy() }
    }

    /// The cordon of a lost node stays, so that the machine gets no work unseen if it comes back after all. An abort lists it.
    fn undo(&self, cx: &Cx) -> Option<Act> {
        let stays = cx.is_lost() && !matches!(cx.state.status, RunStatus::Aborting { .. });
        let uncordon = || Act::Cluster(ClusterAct::Uncordon { node: cx.node(), run: cx.state.run.clone() });
        (!stays).then(uncordon)
    }
}

/// The cordon of a run that this journal does not know as ended. Another coordinator may be at work on the node.
fn unknown(node: &NodeView, run: &RunId) -> Assess {
    let name = &node.name;
    let message = format!(
        "{name} is cordoned by podlift run {run}, which this journal does not know as ended; if no other coordinator works with the node, take its mark away: the cordon then stays as one of another person, and the run goes on"
    );
    blocked(
        "cordon-unknown",
        message,
        format!("kubectl annotate node {name} podlift.io/owner- && podlift retry"),
    )
}

/// Maximum number of nodes in a reason.
const NAMED: usize = 3;

/// The ended run whose cordon the node carries.
fn left_by(reply: &Reply) -> Option<RunId> {
    let Some(Reply::Cluster(ClusterReply::Node(node))) = all(reply).first() else { return None };
    node.cordon_owner().filter(|owner| node.unschedulable && owner.over).map(|owner| owner.run.clone())
}

/// Why no more worker may become unavailable, besides those that are so for other reasons and the lanes of this run that come first.
/// A node without which the run goes on, or that waits at the end of the line because it is away, is no reason to stop the others.
fn full(cx: &Cx, nodes: &[NodeView]) -> Option<String> {
    let me = cx.node();
    let down = cx.state.down_workers(&cx.step.phase, nodes);
    let away: Vec<&str> = down.into_iter().filter(|node| **node != me).map(NodeName::as_str).collect();
    // A node that is down itself takes no more away.
    let is_down = nodes.iter().any(|n| n.name == me && !n.ready);
    let number = if is_down { 0 } else { away.len() as u32 };
    let most = cx.state.max_unavailable;
    let why = match away.len() {
        0 => "others of this run are at work".to_string(),
        _ => format!("not Ready or cordoned by others: {}", listed(&away, NAMED)),
    };
    (number + cx.ahead >= most).then(|| {
        format!(
            "waits for its turn: at most {} may be unavailable at once ({why}); podlift set max-unavailable {} makes room",
            podlift_model::count(most, "worker"),
            most.max(number) + 1
        )
    })
}

/// Why this worker waits for another one with storage of the same Rook cluster: an earlier lane that has begun, or one that has its cordon.
/// A lane that has its cordon waits for no other, so two lanes never wait for each other.
fn storage(cx: &Cx, nodes: &[NodeView]) -> Option<String> {
    let blast = &cx.program().goal.upgrade()?.blast;
    let of = |node: &NodeName| blast.get(node)?.storage.as_ref();
    let (me, mine) = (cx.node(), of(&cx.node())?);
    let holds = |other: &&NodeName| {
        let lane = || cx.state.steps_of(other).filter(|(spec, _)| spec.phase == cx.step.phase);
        let earlier = lane().next().is_some_and(|(spec, _)| spec.number < cx.step.number);
        let begun = lane().any(|(_, step)| step.status != StepStatus::Pending);
        let cordoned = nodes.iter().any(|n| n.name == **other && ours(cx, n));
        lane().any(|(_, step)| !step.is_over()) && (cordoned || (earlier && begun))
    };
    let here = |node: &&NodeName| **node != me && of(node) == Some(mine) && !cx.state.goes_without(node);
    let other = blast.keys().filter(here).filter(|node| !cx.state.is_away(node)).find(holds)?;
    Some(format!(
        "waits for its turn: {other} has storage of {mine}, too, and Rook lets one failure domain after another go"
    ))
}
