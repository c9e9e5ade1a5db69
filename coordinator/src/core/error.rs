//! Why the coordinator does not do what it was asked, with what it looks like on the wire. Nobody matches on the text.

use crate::journal::JournalError;
use crate::store::StoreError;
use podlift_common::wire::{ErrorInfo, StatusError};
use podlift_engine::plan::{Finding, PlanError};
use podlift_model::ids::InvalidId;
use podlift_model::{Digest, Failure, FailureClass, NodeName, RunId, StepId};
use tonic::Code;

#[derive(Debug, thiserror::Error)]
pub enum CoordinatorError {
    #[error("this coordinator only reads: {why}")]
    ReadOnly { why: String },
    #[error("run {run} is open: one cluster has one run at a time")]
    RunOpen { run: RunId },
    #[error("preflight: {}", blocked(findings))]
    Blocked { findings: Vec<Finding> },
    #[error("the plan is another one than you saw ({}, now {}): {}", short(seen), now.short(), changed(parts))]
    OtherPlan { seen: String, now: Digest, parts: Option<Vec<String>> },
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error("run {run} is not in the journal")]
    UnknownRun { run: RunId },
    #[error("no run is open")]
    NoRun,
    #[error("there was no run yet")]
    NoRunEver,
    #[error("step {step} failed: a run does not go on past it")]
    StepFailed { step: StepId },
    #[error("no step of run {run} failed and it is not paused: there is nothing to try again")]
    NothingFailed { run: RunId },
    #[error("node {node} is in the middle of step {step}: it is left out only between two ops")]
    NodeBusy { node: NodeName, step: StepId },
    #[error("{check:?} is not waived in this run; waived: {}", if known.is_empty() { "nothing".into() } else { known.join(", ") })]
    NotWaived { check: String, known: Vec<String> },
    #[error(transparent)]
    Failure(#[from] Failure),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Id(#[from] InvalidId),
}

fn blocked(findings: &[Finding]) -> String {
    let line = |f: &Finding| match &f.node {
        Some(node) => format!("{} on {node}: {}", f.check, f.evidence),
        None => format!("{}: {}", f.check, f.evidence),
    };
    findings.iter().map(line).collect::<Vec<_>>().join("; ")
}

fn short(hash: &str) -> String {
    hash.chars().take(12).collect()
}

fn changed(parts: &Option<Vec<String>>) -> String {
    match parts {
        Some(parts) if !parts.is_empty() => format!("changed since: {}", parts.join(", ")),
        _ => "that plan was made by an earlier start of this coordinator, or long ago".into(),
    }
}

impl StatusError for CoordinatorError {
    fn info(&self) -> ErrorInfo {
        use CoordinatorError as E;
        let state = Code::FailedPrecondition;
        let (code, reason, next): (Code, &'static str, &str) = match self {
            E::ReadOnly { .. } => (state, "READ_ONLY", "podlift status"),
            E::RunOpen { .. } => (state, "RUN_OPEN", "podlift status"),
            E::Blocked { .. } => (state, "PREFLIGHT_BLOCKED", "podlift plan"),
            E::OtherPlan { .. } => (state, "PLAN_CHANGED", "podlift plan"),
            E::Plan(_) => (Code::InvalidArgument, "PLAN_IMPOSSIBLE", "podlift plan --help"),
            E::UnknownRun { .. } => (Code::NotFound, "UNKNOWN_RUN", "podlift events --run all"),
            E::NoRun => (state, "NO_RUN", "podlift status"),
            E::NoRunEver => (Code::NotFound, "NO_RUN", "podlift plan"),
            E::StepFailed { .. } => (state, "STEP_FAILED", "podlift retry"),
            E::NothingFailed { .. } => (state, "NOTHING_FAILED", "podlift status"),
            E::NodeBusy { .. } => (state, "NODE_BUSY", "podlift pause"),
            E::NotWaived { .. } => (Code::InvalidArgument, "NOT_WAIVED", "podlift status"),
            E::Failure(f) if f.class == FailureClass::Transient => {
                (Code::Unavailable, "TRANSIENT", "podlift status")
            }
            E::Failure(_) => (state, "REFUSED", "podlift status"),
            E::Store(StoreError::Illegal(_)) => (state, "ILLEGAL_NOW", "podlift status"),
            E::Store(StoreError::Journal(_) | StoreError::Replay { .. }) | E::Journal(_) => {
                (Code::Internal, "JOURNAL", "systemctl status podlift-coordinator")
            }
            E::Id(_) => (Code::InvalidArgument, "INVALID_FIELD", ""),
        };
        ErrorInfo { code, reason, message: self.to_string(), next: next.into() }
    }
}
