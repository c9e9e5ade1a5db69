//! The sign-off checklist, filled from the journal's evidence. Each line is a fact of the run, none is a wish.

use crate::inventory::NodeRole;
use crate::machine::{RunState, StepStatus};
use crate::plan::StepKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SignOff {
    pub id: String,
    /// passed, failed, open
    pub result: String,
    pub evidence: String,
}

pub fn sign_off(s: &RunState) -> Vec<SignOff> {
    vec![
        steps(s, "backup-sealed", |k, _| matches!(k, StepKind::SealBackup)),
        steps(s, "root-cause-repaired", |k, _| {
            matches!(k, StepKind::RepairConfig | StepKind::RepairKubelet | StepKind::KubeadmPatches)
        }),
        steps(s, "control-plane-upgraded", |k, _| matches!(k, StepKind::VerifyApi)),
        steps(s, "addons-upgraded", |k, _| matches!(k, StepKind::Addons)),
        steps(s, "control-plane-kubelets", |k, r| {
            matches!(k, StepKind::NodeReady) && r == NodeRole::ControlPlane
        }),
        steps(s, "workers-upgraded", |k, r| matches!(k, StepKind::NodeReady) && r == NodeRole::Worker),
        steps(s, "packages-held", |k, _| matches!(k, StepKind::Packages { .. })),
        steps(s, "cordons-returned", |k, _| matches!(k, StepKind::Uncordon)),
        steps(s, "guards-disarmed", |k, _| matches!(k, StepKind::GuardDisarm)),
        steps(s, "fleet-verified", |k, _| matches!(k, StepKind::VerifyFleet)),
        steps(s, "as-recorded", |k, _| matches!(k, StepKind::CompareFleet)),
    ]
}

/// Passed where all steps of this sort are done, failed where one failed, open otherwise. No such step: passed, and said.
fn steps(s: &RunState, id: &str, which: impl Fn(&StepKind, NodeRole) -> bool) -> SignOff {
    let role = |n: &podlift_model::NodeName| s.plan.inventory.get(n).map(|e| e.role);
    let mine: Vec<_> = s
        .plan
        .steps()
        .filter(|x| which(&x.kind, x.node.as_ref().and_then(role).unwrap_or(NodeRole::ControlPlane)))
        .map(|x| &s.steps[&x.id].status)
        .collect();
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
    SignOff { id: id.into(), result: result.into(), evidence }
}

fn summary(all: &[&str]) -> String {
    let first = all.first().copied().unwrap_or_default();
    match all.iter().all(|e| *e == first) {
        true if all.len() > 1 => format!("{first} ({} times)", all.len()),
        true => first.to_string(),
        false => all.join("; "),
    }
}
