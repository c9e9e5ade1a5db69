//! The sign-off checklist, filled from the journal's evidence. Each line is a fact of the run.

use super::bcm::{BOOKS, books_signed, images_signed};
use super::status::aside_reason;
use crate::doors::BackupView;
use crate::inventory::NodeRole;
use crate::machine::{RunState, StepStatus};
use crate::program::{Evidence, StepSpec};
use podlift_model::NodeName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

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
    "load-balancers",
    "ingress-tls",
    "calico",
    "as-recorded",
    "validated",
];

/// Lines that no step fills.
const ADDONS: &str = "addons-upgraded";
const FAILED: &str = "nodes-failed";
const DEFERRED: &str = "nodes-deferred";
const ADDED: &str = "nodes-added";

pub fn sign_off(s: &RunState) -> Vec<SignOff> {
    let filled = LINES.iter().map(|line| fill(s, line));
    let bcm = images_signed(s).into_iter().chain([books_signed(s).unwrap_or_else(|| bcm(s))]);
    filled.chain(failed(s)).chain([deferred(s), added(s)]).chain(bcm).collect()
}

fn line(id: &str, result: &str, evidence: String) -> SignOff {
    SignOff { id: id.into(), result: result.into(), evidence }
}

/// Lines that need the run's repairs and, besides them, a check of the validation.
const PROVEN: [(&str, &str); 3] =
    [("load-balancers", "addresses"), ("ingress-tls", "tls"), ("calico", "calico")];

fn fill(s: &RunState, id: &str) -> SignOff {
    match PROVEN.iter().find(|(line, _)| *line == id) {
        Some((_, check)) => proven(s, id, check),
        None => by_steps(s, id),
    }
}

/// A line whose repairs are over, and whose check has passed. Most runs have nothing to repair, and then the check alone is the evidence.
fn proven(s: &RunState, id: &str, check: &str) -> SignOff {
    let validated = s.steps.values().find_map(|step| match &step.status {
        StepStatus::Done { evidence: Evidence::Validated { validation, .. } } => Some(validation),
        _ => None,
    });
    let checked = validated.and_then(|validation| validation.checks.iter().find(|c| c.id == check));
    let planned = s.plan.steps().any(|x| x.kind.step().sign_off(NodeRole::ControlPlane) == Some(id));
    let repaired = by_steps(s, id);
    if planned && repaired.result != "passed" {
        return repaired;
    }
    let Some(checked) = checked else {
        return line(id, "open", format!("check {check} of the validation is not made yet"));
    };
    let seen = checked.evidence.join("; ");
    let evidence = if planned { format!("{}; {seen}", repaired.evidence) } else { seen };
    line(id, checked.result.name(), evidence)
}

fn by_steps(s: &RunState, id: &str) -> SignOff {
    let role = |n: &NodeName| s.plan.inventory.get(n).map(|e| e.role);
    of_steps(s, id, |x| {
        let role = x.node.as_ref().and_then(role).unwrap_or(NodeRole::ControlPlane);
        x.kind.step().sign_off(role) == Some(id)
    })
}

/// "passed" if all steps of this line are done, "failed" if one has failed, otherwise "open". A step that was skipped is not done: the line
/// stays open, and names the nodes.
pub(super) fn of_steps(s: &RunState, id: &str, fills: impl Fn(&StepSpec) -> bool) -> SignOff {
    let mine: Vec<(&StepSpec, &StepStatus)> =
        s.plan.steps().filter(|x| fills(x)).map(|x| (x, &s.steps[&x.id].status)).collect();
    let failed = mine.iter().find_map(|(_, status)| match status {
        StepStatus::Failed { reason } => Some(reason.message.clone()),
        _ => None,
    });
    let (mut done, mut partly, mut skipped) = (vec![], vec![], BTreeSet::new());
    for (spec, status) in &mine {
        match status {
            StepStatus::Done { evidence: Evidence::Partly { what } } => partly.push(what.as_str()),
            StepStatus::Done { evidence: Evidence::BackupSealed { what, backup: Some(set), .. } }
                if lacks(set) =>
            {
                partly.push(what.as_str());
            }
            StepStatus::Done { evidence: Evidence::Validated { what, validation } }
                if validation.counts.passed as usize != validation.checks.len() =>
            {
                partly.push(what.as_str());
            }
            StepStatus::Done { evidence } => done.push(evidence.what()),
            StepStatus::Skipped { .. } => skipped.extend(&spec.node),
            _ => {}
        }
    }
    let names = || skipped.iter().map(|n| n.as_str()).collect::<Vec<_>>().join(", ");
    match failed {
        Some(message) => line(id, "failed", message),
        None if mine.is_empty()
            && id == ADDONS
            && s.plan.goal.upgrade().is_some_and(|u| !u.addons.is_empty()) =>
        {
            line(id, "open", "kubeadm updates the addons itself, and podlift did not look at them".into())
        }
        None if mine.is_empty() && s.plan.nodes.is_empty() && s.plan.goal.upgrade().is_some() => {
            line(id, "passed", "nothing of this kind in the plan".into())
        }
        None if mine.is_empty() => line(id, "open", "not part of this plan".into()),
        None if !partly.is_empty() && done.len() + partly.len() == mine.len() => {
            line(id, "open", summary(&partly))
        }
        None if done.len() == mine.len() => line(id, "passed", summary(&done)),
        None if skipped.is_empty() => line(id, "open", format!("{} of {} done", done.len(), mine.len())),
        None => line(id, "open", format!("{} of {} done; left out: {}", done.len(), mine.len(), names())),
    }
}

/// Whether a sealed set can't restore all: its secrets, or files that were left out. A file that is empty on the node is nothing to restore.
fn lacks(set: &BackupView) -> bool {
    !set.encrypted || set.warnings.iter().any(|w| !w.ends_with("is empty on the node"))
}

/// Each evidence once, with the number of its steps.
fn summary(all: &[&str]) -> String {
    let mut counts: Vec<(&str, usize)> = vec![];
    for what in all {
        match counts.iter_mut().find(|(known, _)| known == what) {
            Some((_, count)) => *count += 1,
            None => counts.push((what, 1)),
        }
    }
    let one = |(what, count): (&str, usize)| match count {
        1 => what.to_string(),
        n => format!("{what} ({})", podlift_model::count(n, "time")),
    };
    counts.into_iter().map(one).collect::<Vec<_>>().join("; ")
}

/// Workers that failed, and without which the run went on; `None` if there are none.
fn failed(s: &RunState) -> Option<SignOff> {
    let each: Vec<String> =
        s.set_aside.iter().map(|(node, aside)| format!("{node}: {}", aside_reason(s, node, aside))).collect();
    (!each.is_empty()).then(|| line(FAILED, "failed", each.join("; ")))
}

fn deferred(s: &RunState) -> SignOff {
    let each: Vec<String> =
        s.deferred.keys().filter_map(|node| Some(format!("{node}: {}", s.why_deferred(node)?))).collect();
    match each.is_empty() {
        true if !s.plan.nodes.is_empty() => {
            let others = s.plan.inventory.nodes.iter().filter(|n| !s.plan.chosen(&n.name)).count();
            line(
                DEFERRED,
                "open",
                format!(
                    "{} {} not part of this plan (--node)",
                    podlift_model::count(others, "node"),
                    podlift_model::agree(others, "is", "are")
                ),
            )
        }
        true => line(DEFERRED, "passed", "no node was left out".into()),
        false => line(DEFERRED, "open", each.join("; ")),
    }
}

/// Nodes that joined the cluster after the plan was made: the run did nothing on them.
fn added(s: &RunState) -> SignOff {
    let verified = s.steps.values().find_map(|step| match &step.status {
        StepStatus::Done { evidence: Evidence::Fleet { added, .. } } => Some(added),
        _ => None,
    });
    match verified {
        None => line(ADDED, "open", "the fleet is not verified yet".into()),
        Some(added) if added.is_empty() => line(ADDED, "passed", "no node joined during the run".into()),
        Some(added) => {
            let names: Vec<&str> = added.iter().map(|n| n.as_str()).collect();
            line(ADDED, "open", format!("joined during the run, and not part of it: {}", names.join(", ")))
        }
    }
}

fn bcm(s: &RunState) -> SignOff {
    let evidence = format!(
        "podlift does not write BCM's metadata and images: set version {} there, or the next provisioning takes the upgrade back",
        s.plan.to()
    );
    line(BOOKS, "open", evidence)
}
