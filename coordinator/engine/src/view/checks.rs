//! The sign-off checklist, filled from the journal's evidence. Each line is a fact of the run.

use crate::inventory::NodeRole;
use crate::machine::{RunState, StepStatus};
use crate::program::StepSpec;
use podlift_model::NodeName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SignOff {
    pub id: String,
    /// passed, failed, open
    pub result: String,
    pub evidence: String,
}

/// The lines in their order. Each step declares which line it fills.
pub(crate) const LINES: &[&str] = &[
    "backup-sealed",
    "root-cause-repaired",
    "control-plane-upgraded",
    "addons-upgraded",
    "control-plane-kubelets",
    "workers-upgraded",
    "packages-held",
    "cordons-returned",
    "guards-disarmed",
    "fleet-verified",
    "as-recorded",
];

pub fn sign_off(s: &RunState) -> Vec<SignOff> {
    LINES.iter().map(|line| fill(s, line)).collect()
}

/// "passed" if all steps of this line are done, "failed" if one has failed, otherwise "open". A line without steps is passed, and its
/// evidence tells that.
fn fill(s: &RunState, line: &str) -> SignOff {
    let role = |n: &NodeName| s.plan.inventory.get(n).map(|e| e.role);
    let fills = |x: &&StepSpec| {
        let role = x.node.as_ref().and_then(role).unwrap_or(NodeRole::ControlPlane);
        x.kind.step().sign_off(role) == Some(line)
    };
    let mine: Vec<_> = s.plan.steps().filter(fills).map(|x| &s.steps[&x.id].status).collect();
    let failed = mine.iter().find_map(|x| match x {
        StepStatus::Failed { reason } => Some(reason.message.clone()),
        _ => None,
    });
    let done: Vec<&str> = mine
        .iter()
        .filter_map(|x| match x {
            StepStatus::Done { evidence } => Some(evidence.what()),
            StepStatus::Skipped { reason } => Some(reason.as_str()),
            _ => None,
        })
        .collect();
    let (result, evidence) = match failed {
        Some(message) => ("failed", message),
        None if mine.is_empty() => ("passed", "nothing of this kind in the plan".into()),
        None if done.len() == mine.len() => ("passed", summary(&done)),
        None => ("open", format!("{} of {} done", done.len(), mine.len())),
    };
    SignOff { id: line.into(), result: result.into(), evidence }
}

fn summary(all: &[&str]) -> String {
    let first = all.first().copied().unwrap_or_default();
    match all.iter().all(|e| *e == first) {
        true if all.len() > 1 => format!("{first} ({} times)", all.len()),
        true => first.to_string(),
        false => all.join("; "),
    }
}
