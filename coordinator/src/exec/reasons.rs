//! Failure texts for people: what happened, the alternatives, and the one next command, which can be typed unchanged.

use super::drive::Drive;
use podlift_engine::inventory::NodeRole;
use podlift_engine::machine::RunState;
use podlift_engine::program::StopReason;
use podlift_model::{Failure, NodeName};

pub(super) fn plain(message: String, next: &str) -> StopReason {
    let (detail, undone) = (String::new(), String::new());
    StopReason { code: String::new(), message, detail, undone, next: next.into() }
}

pub(super) fn aborted(why: &str) -> StopReason {
    let text = format!("the run was aborted before this step reached its goal: {why}");
    StopReason { code: "aborted".into(), ..plain(text, "podlift report") }
}

impl Drive {
    /// The node that may be deferred if this step makes no progress.
    pub(super) fn deferrable(&self, state: &RunState) -> Option<&NodeName> {
        let node = self.step.node.as_ref().filter(|_| self.step.kind.step().may_be_deferred())?;
        let entry = state.plan.inventory.get(node)?;
        (entry.role == NodeRole::Worker).then_some(node)
    }

    /// The text of a failure for a person, with the one next command.
    pub(super) fn stop_reason(&self, state: &RunState, failure: &Failure) -> StopReason {
        let message = match (failure.code.as_str(), &self.step.node) {
            ("drain-blocked" | "drain-refused" | "eviction-failed", Some(node)) => {
                format!(
                    "{}; let the pods move first, or leave the node out: podlift defer {node}",
                    failure.message
                )
            }
            _ => match self.deferrable(state) {
                Some(node) => {
                    format!(
                        "{}; mend the cause first, or leave the node out: podlift defer {node}",
                        failure.message
                    )
                }
                None => failure.message.clone(),
            },
        };
        let next = match failure.code.as_str() {
            "apt-interrupted" => "podlift retry --repair-dpkg",
            _ => "podlift retry",
        };
        StopReason { code: failure.code.clone(), detail: failure.detail.clone(), ..plain(message, next) }
    }
}
