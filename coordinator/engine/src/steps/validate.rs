//! Validates the whole cluster at the end of a run. The step waits for what comes back late. A failed check whose failure is a blocker stops
//! the run, which goes on only if an operator attests that it is intended; what a person has refused stops nothing.

use super::reply::{cluster, odd};
use super::{Assess, Cx, Policy, Step, Touches, approved};
use crate::doors::{ClusterLook, ClusterReply, Probe, Reply};
use crate::inventory::NodeRole;
use crate::program::{DIFFERENCES, Evidence, Item, Severity};
use crate::validate::{Checked, Outcome, Validation};
use podlift_model::count;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Validate {}

/// Time between two validations.
const POLL: Duration = Duration::from_secs(30);
/// Maximum number of failed checks whose evidence is in a reason.
const SHOWN: usize = 5;

/// Checks that fail because a person has refused an item.
const FOLLOW: [(Item, &[&str]); 4] = [
    (Item::TigeraRemoval, &["calico"]),
    (Item::ServiceRestore, &["addresses", "tls"]),
    (Item::SecretRestore, &["tls", "pods"]),
    (Item::RunaiRestart, &["tls", "pods"]),
];

impl Step for Validate {
    fn verb(&self) -> String {
        "validate".into()
    }
    fn touches(&self) -> Touches {
        Touches::Nothing
    }
    fn sign_off(&self, _role: NodeRole) -> Option<&'static str> {
        Some("validated")
    }
    fn sample() -> Self {
        Self {}
    }

    fn probe(&self, _cx: &Cx) -> Probe {
        Probe::Cluster(ClusterLook::Validation)
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let Some(ClusterReply::Validation(seen)) = cluster(reply) else { return odd(reply) };
        judge(cx, softened(cx, seen))
    }

    /// A validation is costly for the API and the agents, so the step looks rarely.
    fn policy(&self, cx: &Cx) -> Policy {
        Policy { poll: POLL, ..cx.policy() }
    }
}

/// The validation, in which what follows from a refusal is no blocker.
fn softened(cx: &Cx, seen: &Validation) -> Validation {
    let mut out = seen.clone();
    let refused = FOLLOW.iter().filter(|(item, _)| approved::is_refused(cx, *item));
    let soft: Vec<&str> = refused.flat_map(|(_, checks)| checks.iter().copied()).collect();
    for check in out.checks.iter_mut().filter(|check| soft.contains(&check.id.as_str())) {
        check.severity = check.severity.max(Severity::Warning);
    }
    out
}

fn judge(cx: &Cx, validation: Validation) -> Assess {
    let bad: Vec<&Checked> = validation.blockers().collect();
    if bad.is_empty() {
        let what = validation.summary();
        return Assess::Done(Evidence::Validated { what, validation: Box::new(validation) });
    }
    // Each check is named, because an acceptance covers the checks that are named.
    let line = |(number, check): (usize, &&Checked)| match check.evidence.first() {
        Some(evidence) if number < SHOWN => format!("{}: {evidence}", check.id),
        _ => format!("{}: failed too", check.id),
    };
    let lines: Vec<String> = bad.iter().enumerate().map(line).collect();
    let text = format!("{} failed: {}", count(bad.len(), "check"), lines.join("; "));
    match cx.state.accepted_checks(&cx.step.id, bad.iter().map(|check| check.id.as_str())) {
        Some(word) => {
            let what = format!("{}; {text}. Accepted by {}", validation.summary(), word.by);
            Assess::Done(Evidence::Validated { what, validation: Box::new(validation) })
        }
        None => Assess::Wait(format!(
            "{text}. First: {}. If it is meant: podlift attest {DIFFERENCES} --note WHY && podlift retry",
            bad[0].next
        )),
    }
}

impl Validation {
    /// Checks that failed and whose failure stops a run.
    pub fn blockers(&self) -> impl Iterator<Item = &Checked> {
        self.checks.iter().filter(|c| c.result == Outcome::Failed && c.severity == Severity::Blocker)
    }
}
