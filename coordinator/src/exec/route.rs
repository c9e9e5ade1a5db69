//! Which agent a request goes to. What concerns BCM goes to the agent of the head node that the configuration names now. A run's plan names
//! the head node of its time; after a failover the configuration names the other one, whose agent has another memory, so that an op that was
//! open is looked at again there.

use super::Performer;
use crate::flights::Flights;
use crate::head;
use futures_util::future::FutureExt as _;
use podlift_engine::Act;
use podlift_engine::steps::Cx;
use podlift_model::bcm::BcmOp;
use podlift_model::{Failure, HostOp, Look, NodeName, OpOutput};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The agent of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Agent {
    pub name: NodeName,
    /// It is the agent of a head node, which is no node of the cluster.
    pub head: bool,
}

impl Agent {
    /// The failure to reach it, or its refusal, in words for people.
    pub fn failed(&self, failure: Failure) -> Failure {
        if self.head { head::failed(&self.name, failure) } else { failure }
    }
}

/// Looks at the head node that are under way. BCM's tools run one at a time there, and the lanes of a batch ask for the same tables.
#[derive(Clone, Default)]
pub struct HeadLooks {
    asked: Arc<Flights<Look, OpOutput>>,
    /// Ops of the head node whose end is known. A look after one joins no look from before it.
    ended: Arc<AtomicU64>,
}

impl HeadLooks {
    /// An op of the head node has ended.
    pub(super) fn op_ended(&self) {
        self.ended.fetch_add(1, Ordering::AcqRel);
    }
}

impl Performer {
    /// A look at a node, or at the head node for a node.
    pub(super) async fn see(&self, planned: &NodeName, look: &Look) -> Result<OpOutput, Failure> {
        let agent = self.agent(planned, look.is_of_head());
        if !agent.head {
            return self.agents.observe(&agent.name, look).await;
        }
        let (agents, name, own) = (self.agents.clone(), agent.name.clone(), look.clone());
        let ask = || async move { agents.observe(&name, &own).await }.boxed();
        let looks = &self.head_looks;
        let seen = looks.asked.join(look.clone(), looks.ended.load(Ordering::Acquire), ask).await;
        seen.map_err(|failure| agent.failed(failure))
    }

    /// The agent for a request that the plan sends to `planned`.
    pub(super) fn agent(&self, planned: &NodeName, of_head: bool) -> Agent {
        let now = self.head.as_ref().filter(|_| of_head).unwrap_or(planned);
        Agent { name: now.clone(), head: of_head }
    }

    /// The agent that makes the change; `None` if the coordinator makes it itself.
    pub(super) fn agent_of(&self, act: &Act) -> Option<Agent> {
        match act {
            Act::Node(planned, op) => Some(self.agent(planned, op.is_of_head())),
            Act::Cluster(_) | Act::Vault(_) => None,
        }
    }

    /// The agent that has the ops of this step in its memory.
    pub(crate) fn agent_of_step(&self, cx: &Cx) -> Agent {
        let planned = cx.step.kind.step().agent(cx);
        let of_head = cx.state.plan.bcm.as_ref().is_some_and(|bcm| bcm.head == planned);
        self.agent(&planned, of_head)
    }
}

/// The node at which people see the progress of an op: that of the lane, also if the agent of a head node runs it.
pub(super) fn shown_at<'a>(agent: &'a NodeName, op: &'a HostOp) -> &'a NodeName {
    match op {
        HostOp::Bcm(
            BcmOp::AssignImage { node, .. }
            | BcmOp::FollowCategory { node }
            | BcmOp::SyncDryRun { node, .. }
            | BcmOp::Sync { node, .. },
        ) => node,
        _ => agent,
    }
}
