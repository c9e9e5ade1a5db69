//! What BCM reports, through the agent on the head node. That agent runs BCM's tools; the coordinator starts no process.

mod groups;
mod managed;
#[cfg(test)]
mod tests;
mod view;

pub use managed::Managed;
pub use view::Scope;

use crate::dispatch::{self, Agents, HEAD_UNREACHABLE, UNREACHABLE};
use podlift_engine::survey::BcmApplication;
use podlift_model::bcm::BcmCluster;
use podlift_model::survey::Seen;
use podlift_model::{Failure, Look, NodeName, OpOutput, codes};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// Time limit of a question that has none of its own.
const LIMIT: Duration = Duration::from_secs(180);
/// How long to wait for the agent to connect. After a start of the coordinator its agents reconnect within seconds.
const DIALLING: Duration = Duration::from_secs(10);
const AGAIN: Duration = Duration::from_millis(200);

/// The agent of the head node, by its name.
pub struct Head {
    agents: Arc<dyn Agents>,
    name: NodeName,
    /// BCM's tools run one at a time on a head node, so the questions of plans wait here, where their time does not count.
    turn: Mutex<()>,
}

/// The failure of a request to the agent of a head node, in words for people.
pub(crate) fn failed(head: &NodeName, failure: Failure) -> Failure {
    if failure.code == codes::INVALID_REQUEST {
        let message = format!(
            "the agent of head node {head} does not know the request, so it is of another version of podlift: install the package podlift-agent of this version there ({})",
            failure.message
        );
        return Failure { message, ..failure };
    }
    dispatch::head_unreachable(head, failure)
}

impl Head {
    pub fn new(agents: Arc<dyn Agents>, name: NodeName) -> Arc<Self> {
        Arc::new(Self { agents, name, turn: Mutex::default() })
    }

    pub fn name(&self) -> &NodeName {
        &self.name
    }

    pub(crate) async fn clusters(&self) -> Seen<Vec<BcmCluster>> {
        let pick = |output| match output {
            OpOutput::BcmClusters(all) => Some(all),
            _ => None,
        };
        self.ask(Look::BcmClusters, pick).await.map_err(|failure| failure.message)
    }

    async fn applications(&self) -> Seen<Vec<BcmApplication>> {
        let pick = |output| match output {
            OpOutput::BcmApplications(all) => Some(all),
            _ => None,
        };
        self.ask(Look::BcmApplications, pick).await.map_err(|failure| failure.message)
    }

    /// Asks one question when it is its turn. `pick` takes the answer out of the output; `None` if that answers something else.
    async fn ask<T>(&self, look: Look, pick: impl FnOnce(OpOutput) -> Option<T>) -> Result<T, Failure> {
        let _turn = self.turn.lock().await;
        let limit = dispatch::of_look(&look).unwrap_or(LIMIT);
        let answered = tokio::time::timeout(limit, self.when_there(&look)).await;
        let late = |_| {
            let text =
                format!("the agent of head node {} did not answer within {} s", self.name, limit.as_secs());
            Failure::transient(HEAD_UNREACHABLE, text)
        };
        let output = answered.map_err(late)?.map_err(|failure| self.explained(failure))?;
        pick(output).ok_or_else(|| {
            let text = format!(
                "the agent of head node {} answered something other than the answer to the question",
                self.name
            );
            Failure::permanent(codes::ODD_REPLY, text)
        })
    }

    /// The failure, with the reason for which this agent was refused, if it was.
    fn explained(&self, failure: Failure) -> Failure {
        let failure = failed(&self.name, failure);
        match self.agents.refused().remove(&self.name) {
            Some(why) => {
                Failure { message: format!("{}; it was refused: {why}", failure.message), ..failure }
            }
            None => failure,
        }
    }

    async fn when_there(&self, look: &Look) -> Result<OpOutput, Failure> {
        let until = Instant::now() + DIALLING;
        loop {
            match self.agents.observe(&self.name, look).await {
                Err(failure) if failure.code == UNREACHABLE && Instant::now() < until => {
                    tokio::time::sleep(AGAIN).await;
                }
                answer => return answer,
            }
        }
    }
}
