//! The known issues that a run met, and what was done about each: objects that its keeper put back, repairs of its steps, and heals.

use crate::issues::{IssueName, Mend, Writer, of_heal_rule};
use crate::machine::{LostObject, RunState, StepStatus};
use crate::program::{Evidence, StepSpec};
use jiff::Timestamp;
use podlift_model::heal::HealEvent;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IssueRow {
    pub issue: IssueName,
    /// `service runai/runai-proxy`, `node runai-01`.
    pub object: String,
    pub what: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Writer>,
    /// What was done about it; `None` if nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<String>,
    /// When that was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Timestamp>,
}

/// In the order of time.
pub(super) fn issue_rows(s: &RunState) -> Vec<IssueRow> {
    let healed = s.heals.iter().flat_map(|h| healed(&h.heal));
    let lost = s.lost_objects.iter().map(of_keeper);
    let by_steps = s.plan.steps().filter_map(|spec| of_step(s, spec));
    let mut out: Vec<IssueRow> = healed.chain(lost).chain(by_steps).collect();
    out.sort_by_key(|row| row.since.or(row.when));
    out
}

/// Heals of a known issue.
fn healed(heal: &HealEvent) -> Vec<IssueRow> {
    let row = |issue: IssueName| IssueRow {
        issue,
        object: format!("node {}", heal.node),
        what: match issue {
            IssueName::EtcdServers => format!("{} had no --etcd-servers", heal.file),
            _ => format!("{} had a feature gate that must go", heal.file),
        },
        since: Some(heal.at),
        by: None,
        done: Some(format!("the agent healed it in {} µs", heal.latency_us)),
        when: Some(heal.at),
    };
    heal.rules.iter().filter_map(|rule| of_heal_rule(rule)).map(row).collect()
}

fn of_keeper(lost: &LostObject) -> IssueRow {
    let done = match (&lost.mend, &lost.result) {
        (_, Some(Ok(what))) => {
            let seconds = lost.milliseconds.map(|ms| format!(" after {:.1} s", ms as f64 / 1000.0));
            Some(format!("{what}{}", seconds.unwrap_or_default()))
        }
        (_, Some(Err(why))) => Some(format!("podlift could not repair it: {why}")),
        (Some(_), None) => Some("podlift was about to repair it".into()),
        (None, None) => None,
    };
    IssueRow {
        issue: lost.issue,
        object: lost.object.clone(),
        what: lost.what.clone(),
        since: Some(lost.since),
        by: lost.by.clone(),
        done,
        when: lost.ended,
    }
}

/// A mend that a step of the run has made, or that a person has refused. A step that found nothing to do gives no row.
fn of_step(s: &RunState, spec: &StepSpec) -> Option<IssueRow> {
    let mend: Mend = spec.kind.step().mend()?;
    let step = s.step(&spec.id)?;
    // A secret that was absent before the run is no issue of it.
    let no = s.decision(mend.item()).is_some_and(|word| !word.approved);
    let shown = no || matches!(mend, Mend::RestoreService { .. });
    let refused = shown && matches!(&step.status, StepStatus::Done { evidence: Evidence::Partly { .. } });
    let failed = matches!(&step.status, StepStatus::Failed { .. });
    if !step.ever_acted && !refused && !failed {
        return None;
    }
    let (what, done) = match &step.status {
        StepStatus::Done { evidence } if step.ever_acted => {
            (format!("{} had to be repaired", mend.object()), Some(evidence.what().to_string()))
        }
        StepStatus::Done { evidence } => (evidence.what().to_string(), None),
        StepStatus::Failed { reason } => (reason.message.clone(), None),
        _ => (format!("{} has to be repaired", mend.object()), None),
    };
    Some(IssueRow {
        issue: mend.issue(),
        object: mend.object(),
        what,
        since: step.began,
        by: None,
        when: step.ended.filter(|_| done.is_some()),
        done,
    })
}
