//! A repair of the API server's manifest that a person asked for. It is not urgent: the API server serves, and will restart because of the
//! repair. So it steps aside before, and steps back when its new container serves, if other API servers are known to serve meanwhile.

use super::others;
use crate::look::component;
use crate::node::Node;
use podlift_model::OpOutput;
use podlift_model::components::ComponentState;
use podlift_model::heal::HealKind;
use podlift_model::op::Component;
use std::time::Duration;
use tokio::time::Instant;

const API: Component = Component::KubeApiserver;
/// Deadline of the table, for a restart that takes longer than any that was seen, or an agent that dies meanwhile.
const SECONDS: u32 = 180;
/// How long the new container is waited for.
const WAIT: Duration = Duration::from_secs(120);
/// Time for requests whose connection was opened before the table stood.
const DRAIN: Duration = Duration::from_secs(3);

/// The API server before the repair.
pub(crate) struct Repair<'a> {
    node: &'a Node,
    container: Option<String>,
}

impl<'a> Repair<'a> {
    /// Steps aside. `Err` has the reason why the repair runs without that; `None` if nothing has to step aside: another component, nothing
    /// to repair, or an API server that does not serve.
    pub async fn begin(node: &'a Node, component: Component) -> Option<Result<Self, String>> {
        let file = API.file();
        let restarts = || node.heal.findings().iter().any(|f| f.file == file && f.kind == HealKind::Hygiene);
        if component != API || !restarts() {
            return None;
        }
        let before = serving(node).await?;
        Some(Self::aside(node, before).await)
    }

    async fn aside(node: &'a Node, before: ComponentState) -> Result<Self, String> {
        let serving = others::serving(node).await?;
        if serving.len() < others::ENOUGH {
            return Err(others::serve(serving.len()));
        }
        let reason = format!("heal of {} asked for", API.file());
        match super::step_aside(node, SECONDS, &reason).await {
            Ok(OpOutput::Changed(_)) => {
                tokio::time::sleep(DRAIN).await;
                Ok(Self { node, container: before.container })
            }
            Ok(OpOutput::Unchanged(why)) => Err(why),
            Ok(other) => Err(format!("an unexpected output: {other:?}")),
            Err(failure) => Err(failure.message),
        }
    }

    /// Waits for the new container to serve, then steps back. Returns a line for people. If it does not serve in time, connections stay
    /// refused until the deadline, because clients would find nothing there.
    pub async fn end(self) -> String {
        let began = Instant::now();
        while began.elapsed() < WAIT {
            tokio::time::sleep(self.node.config.ops.poll).await;
            let now = serving(self.node).await;
            if now.is_some_and(|now| now.container != self.container) {
                let seconds = began.elapsed().as_secs();
                return match super::step_back(self.node).await {
                    Ok(_) => format!("the API server stepped aside and serves again after {seconds} s"),
                    Err(failure) => {
                        format!("the API server serves, and is let in at the deadline: {}", failure.message)
                    }
                };
            }
        }
        format!(
            "no new container of the API server serves after {} s; connections of other hosts are refused for at most {SECONDS} s",
            WAIT.as_secs()
        )
    }

    /// Steps back at once, because nothing was repaired.
    pub async fn cancel(self) {
        if let Err(failure) = super::step_back(self.node).await {
            tracing::warn!(%failure, "connections are let in at the deadline");
        }
    }
}

/// The API server, if it serves.
async fn serving(node: &Node) -> Option<ComponentState> {
    component::state(node, API).await.ok().filter(ComponentState::serves)
}
