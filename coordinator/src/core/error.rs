//! Why the coordinator refuses a request, and the form of the refusal on the wire. No code matches on the text.

use crate::journal::JournalError;
use crate::journal::archive::ArchiveFileError;
use crate::store::StoreError;
use podlift_common::wire::{ErrorInfo, StatusError};
use podlift_engine::goals::PlanError;
use podlift_engine::program::{ContractError, Finding, GoalName, Item};
use podlift_engine::view::SelectorError;
use podlift_model::ids::InvalidId;
use podlift_model::{ClusterName, Digest, Failure, FailureClass, NodeName, RunId, StepId};
use std::sync::Arc;
use tonic::Code;

/// The text of each variant is what did not happen; `why` holds the rest.
#[derive(Debug, thiserror::Error)]
pub enum CoordinatorError {
    #[error("this coordinator only reads")]
    ReadOnly { why: String },
    #[error("run {run} is open")]
    RunOpen { run: RunId },
    #[error("preflight blocks the run; nothing was changed")]
    Blocked { goal: GoalName, findings: Vec<Finding> },
    #[error("the plan has changed since it was shown ({}, now {})", short(seen), now.short())]
    OtherPlan { goal: GoalName, seen: String, now: Digest, parts: Option<Vec<String>> },
    #[error("the plan is {} and not {}", of_goal(other(*wanted)), of_goal(*wanted))]
    OtherGoal { wanted: GoalName },
    #[error("the plan is of another cluster")]
    OtherCluster { of: ClusterName, here: ClusterName },
    #[error("the plan can't be run")]
    Contract(#[from] ContractError),
    #[error("{name:?} can't be attested")]
    Attestation { name: String, why: String },
    #[error("nothing waits for approval")]
    NothingToApprove { why: String },
    #[error("the run waits for an approval, and a resume gives none")]
    WaitsForApproval { what: String },
    #[error("the run waits until a person approves or refuses {item}")]
    WaitsForItem { item: Item, what: String },
    #[error("node {node} takes part already")]
    NotDeferred { node: NodeName },
    #[error("no plan can be made")]
    Plan(#[from] PlanError),
    #[error("run {run} is not in the journal")]
    UnknownRun { run: RunId },
    #[error("node {node} is not known")]
    UnknownNode { node: NodeName, near: Vec<String>, known: usize },
    #[error("selector {text:?} can't be read")]
    BadSelector { text: String, source: SelectorError },
    #[error("no run is open")]
    NoRun,
    #[error("no run was started yet")]
    NoRunEver,
    #[error("the run does not continue")]
    StepFailed { step: StepId },
    #[error("no step can be tried again")]
    NothingFailed { run: RunId },
    #[error("no step of {node} has stopped because devices are in use")]
    NotHeld { node: NodeName, held: Vec<NodeName> },
    #[error("node {node} can't be deferred now")]
    NodeBusy { node: NodeName, step: StepId },
    #[error("node {node} can't be deferred")]
    MayNotDefer { node: NodeName, why: String },
    #[error("node {node} is not lost")]
    NotLost { node: NodeName, why: String, next: String },
    #[error("{what} has to wait for run {run}")]
    RunWorks { run: RunId, what: String, how: &'static str, next: &'static str },
    #[error("run {run} takes no such command now")]
    Aborting { run: RunId },
    #[error("node {node} can't be included yet")]
    StillUndone { node: NodeName },
    #[error("node {node} was not released")]
    NotReleased { node: NodeName, why: String, next: String },
    #[error("option {name} was not set to {value:?}")]
    BadOption { name: String, value: String, expected: &'static str },
    #[error("{check:?} is not waived in this run")]
    NotWaived { check: String, known: Vec<String> },
    #[error("the name {name} is in use")]
    BackupExists { name: String },
    #[error("{}", match name { Some(name) => format!("there is no backup {name}"), None => "there is no backup yet".into() })]
    NoBackup { name: Option<String> },
    #[error("no backup was made: {}", agents_away(away))]
    BackupAgentsAway { away: Vec<NodeName>, without: Vec<NodeName> },
    #[error("no backup was made")]
    BackupNotMade(#[source] Failure),
    #[error("BCM can't be asked")]
    NoBcm,
    #[error("BCM's clusters are not known")]
    BcmUnknown { why: String },
    #[error("run {run} is archived")]
    RunArchived { run: RunId, file: String },
    #[error("nothing was archived")]
    NoArchives,
    #[error("the archive was not made")]
    ArchiveNotMade { why: String },
    #[error("the archive is damaged or can't be read")]
    Archive(#[from] ArchiveFileError),
    #[error("archive {file} is not the one that the journal names")]
    OtherArchive { file: String },
    #[error("{}", .0.message)]
    Failure(#[from] Failure),
    #[error("the record was not written to the journal")]
    Store(#[from] StoreError),
    #[error("the journal can't be read")]
    Journal(#[from] JournalError),
    #[error("the name is not valid")]
    Id(#[from] InvalidId),
    /// The error of a plan that several people asked for.
    #[error("{0}")]
    Shared(Arc<CoordinatorError>),
}

/// Findings that are listed. A person cannot read more at once, and `podlift plan` shows all.
const SHOWN: usize = 10;

fn blocked(findings: &[Finding]) -> String {
    let line = |f: &Finding| match &f.node {
        Some(node) => format!("{} on {node}: {}", f.check, f.evidence),
        None => format!("{}: {}", f.check, f.evidence),
    };
    let mut lines: Vec<String> = findings.iter().take(SHOWN).map(line).collect();
    if findings.len() > SHOWN {
        lines.push(format!("and {} more", findings.len() - SHOWN));
    }
    lines.join("; ")
}

fn agents_away(away: &[NodeName]) -> String {
    match away {
        [node] => format!("the agent of {node} is not connected"),
        nodes => format!("the agents of {} are not connected", podlift_model::count(nodes.len(), "node")),
    }
}

/// A command that makes a set without the disconnected nodes, if there are few enough to type.
fn without(away: &[NodeName], before: &[NodeName]) -> String {
    let nodes: Vec<String> = before.iter().chain(away).map(|n| format!("--without {n}")).collect();
    if away.len() > SHOWN {
        "podlift status --all".into()
    } else {
        format!("podlift backup {}", nodes.join(" "))
    }
}

fn of_goal(goal: GoalName) -> &'static str {
    match goal {
        GoalName::Upgrade => "an upgrade",
        GoalName::Repair => "a repair",
    }
}

fn other(goal: GoalName) -> GoalName {
    match goal {
        GoalName::Upgrade => GoalName::Repair,
        GoalName::Repair => GoalName::Upgrade,
    }
}

/// The command that shows a new plan of this goal.
fn plan_of(goal: GoalName) -> &'static str {
    match goal {
        GoalName::Upgrade => "podlift plan --to VERSION",
        GoalName::Repair => "podlift repair --plan",
    }
}

fn short(hash: &str) -> String {
    hash.chars().take(12).collect()
}

fn changed(parts: &Option<Vec<String>>) -> String {
    match parts {
        Some(parts) if !parts.is_empty() => format!("changed since: {}", parts.join(", ")),
        Some(_) => "the facts are the same and the steps differ: another version of podlift made the plan".into(),
        _ => "the coordinator no longer knows that plan: it was made before its last start, or 16 other plans were made since".into(),
    }
}

fn listed(names: &[String], none: &str) -> String {
    if names.is_empty() { none.into() } else { names.join(", ") }
}

impl CoordinatorError {
    /// The form on the wire, with a next command that names an object.
    fn with_next(&self, code: Code, reason: &'static str, next: String) -> ErrorInfo {
        ErrorInfo { code, reason, message: self.to_string(), why: self.why(), next }
    }

    fn why(&self) -> String {
        use CoordinatorError as E;
        match self {
            E::ReadOnly { why } => why.clone(),
            E::RunOpen { .. } => "one cluster has one run at a time".into(),
            E::Blocked { findings, .. } => blocked(findings),
            E::OtherPlan { parts, .. } => changed(parts),
            E::OtherGoal { wanted } => format!(
                "a plan is started by the command of its own goal, and this command starts only {}",
                of_goal(*wanted)
            ),
            E::OtherCluster { of, here } => {
                format!("it was made for cluster {of}, and this coordinator serves {here}")
            }
            E::Contract(error) => error.to_string(),
            E::Attestation { why, .. } | E::NothingToApprove { why } => why.clone(),
            E::WaitsForApproval { what } | E::WaitsForItem { what, .. } => what.clone(),
            E::MayNotDefer { why, .. } => why.clone(),
            E::NotDeferred { .. } => "only a node that was deferred can be included again".into(),
            E::Plan(error) => error.to_string(),
            E::UnknownRun { .. } => "the journal of this coordinator has no run of that name".into(),
            E::UnknownNode { near, known, .. } => match near.is_empty() {
                true => format!("none of {} has a name like it", podlift_model::count(*known, "node")),
                false => format!("did you mean {}?", near.join(" or ")),
            },
            E::BadSelector { source, .. } => source.to_string(),
            E::NoRun => "no run was started yet, or the last one has ended".into(),
            E::NoRunEver => "the journal holds no run".into(),
            E::StepFailed { step } => {
                format!("step {step} has failed, and a run does not continue past a failed step")
            }
            E::NotHeld { held, .. } if held.is_empty() => "no node of the run has stopped for that".into(),
            E::NotHeld { held, .. } => {
                format!("these have: {}", held.iter().map(NodeName::as_str).collect::<Vec<_>>().join(", "))
            }
            E::NothingFailed { run } => format!("no step of run {run} failed, and it is not paused"),
            E::NodeBusy { step, .. } => {
                format!("an op of step {step} runs there, and a node is deferred only between two ops")
            }
            E::NotLost { why, .. } => why.clone(),
            E::RunWorks { how, .. } => format!("two things would change the control plane at once: {how}"),
            E::Aborting { .. } => "it is being aborted; a second podlift abort ends its undo".into(),
            E::StillUndone { .. } => "what the run has put on it is still being undone".into(),
            E::NotReleased { why, .. } => why.clone(),
            E::BadOption { expected, .. } => format!("expected {expected}"),
            E::NotWaived { known, .. } => format!("waived: {}", listed(known, "nothing")),
            E::BackupExists { .. } => {
                "a backup, a run or an unfinished backup has this name, and each name is used once".into()
            }
            E::NoBackup { name: Some(_) } => "no set of that name is in the directory of backups".into(),
            E::NoBackup { name: None } => "the directory of backups holds no set".into(),
            E::BackupAgentsAway { away, .. } => {
                let names: Vec<String> = away.iter().take(SHOWN).map(ToString::to_string).collect();
                let more = if away.len() > SHOWN {
                    format!(" and {} more", away.len() - SHOWN)
                } else {
                    String::new()
                };
                format!("the set would lack the files of {}{more}", names.join(", "))
            }
            E::BackupNotMade(failure) => match failure.detail.as_str() {
                "" => failure.message.clone(),
                detail => format!("{}\n{detail}", failure.message),
            },
            E::NoBcm => "there is no [bcm] in the coordinator's configuration: set [bcm] head = \"NAME\", the name of the head node's agent, and restart the coordinator".into(),
            E::BcmUnknown { why } => why.clone(),
            E::RunArchived { file, .. } => format!("its records are in {file}, beside the journal"),
            E::NoArchives => "the journal of this coordinator is not a file".into(),
            E::ArchiveNotMade { why } => why.clone(),
            E::Archive(error) => error.to_string(),
            E::OtherArchive { .. } => {
                "its SHA-256 differs from the one in the journal: restore the file that the archive made"
                    .into()
            }
            E::Failure(failure) => failure.detail.clone(),
            E::Store(error) => error.to_string(),
            E::Journal(error) => error.to_string(),
            E::Id(error) => error.to_string(),
            E::Shared(error) => error.why(),
        }
    }
}

impl StatusError for CoordinatorError {
    fn info(&self) -> ErrorInfo {
        use CoordinatorError as E;
        let state = Code::FailedPrecondition;
        let (code, reason, next): (Code, &'static str, &str) = match self {
            E::ReadOnly { .. } => (state, "READ_ONLY", "podlift status"),
            E::RunOpen { .. } => (state, "RUN_OPEN", "podlift status"),
            E::Blocked { goal, .. } => (state, "PREFLIGHT_BLOCKED", plan_of(*goal)),
            E::OtherPlan { goal, .. } => (state, "PLAN_CHANGED", plan_of(*goal)),
            E::OtherGoal { wanted: GoalName::Upgrade } => {
                (Code::InvalidArgument, "OTHER_GOAL", "podlift repair --file FILE")
            }
            E::OtherGoal { wanted: GoalName::Repair } => {
                (Code::InvalidArgument, "OTHER_GOAL", "podlift upgrade --plan FILE")
            }
            E::OtherCluster { .. } | E::Contract(_) => {
                (Code::InvalidArgument, "BAD_PLAN", "podlift plan --to VERSION -o json > plan.json")
            }
            E::Attestation { .. } => (Code::InvalidArgument, "UNKNOWN_ATTESTATION", "podlift help attest"),
            E::NothingToApprove { .. } => (state, "NOTHING_TO_APPROVE", "podlift status"),
            E::WaitsForApproval { .. } => (state, "WAITS_FOR_APPROVAL", "podlift approve"),
            E::WaitsForItem { item, .. } => {
                return self.with_next(state, "WAITS_FOR_ITEM", format!("podlift approve {item}"));
            }
            E::NotDeferred { .. } => (state, "NOT_DEFERRED", "podlift status"),
            E::Plan(_) => (Code::InvalidArgument, "PLAN_IMPOSSIBLE", "podlift help plan"),
            E::UnknownRun { .. } => (Code::NotFound, "UNKNOWN_RUN", "podlift runs"),
            E::UnknownNode { .. } => (Code::InvalidArgument, "UNKNOWN_NODE", "podlift status --all"),
            E::BadSelector { .. } => (Code::InvalidArgument, "BAD_SELECTOR", "podlift help status"),
            E::NoRun => (state, "NO_RUN", "podlift runs"),
            E::NoRunEver => (Code::NotFound, "NO_RUN", "podlift plan --to VERSION"),
            E::StepFailed { .. } => (state, "STEP_FAILED", "podlift retry"),
            E::NothingFailed { .. } => (state, "NOTHING_FAILED", "podlift status"),
            E::NotHeld { .. } => (state, "NOT_HELD", "podlift status"),
            E::MayNotDefer { .. } => (state, "MAY_NOT_DEFER", "podlift retry"),
            E::NodeBusy { .. } => (state, "NODE_BUSY", "podlift pause --now"),
            E::NotLost { next, .. } => return self.with_next(state, "NOT_LOST", next.clone()),
            E::RunWorks { next, .. } => (state, "RUN_WORKS", *next),
            E::Aborting { .. } => (state, "ABORTING", "podlift status"),
            E::StillUndone { .. } => (state, "STILL_UNDONE", "podlift status"),
            E::NotReleased { next, .. } => return self.with_next(state, "NOT_RELEASED", next.clone()),
            E::BadOption { .. } => (Code::InvalidArgument, "BAD_OPTION", "podlift help set"),
            E::NotWaived { .. } => (Code::InvalidArgument, "NOT_WAIVED", "podlift status"),
            E::BackupExists { .. } => (Code::AlreadyExists, "BACKUP_EXISTS", "podlift backup list"),
            E::NoBackup { name: Some(_) } => (Code::NotFound, "NO_BACKUP", "podlift backup list"),
            E::NoBackup { name: None } => (Code::NotFound, "NO_BACKUP", "podlift backup"),
            E::BackupAgentsAway { away, without: before } => {
                return self.with_next(state, "BACKUP_AGENTS_AWAY", without(away, before));
            }
            E::BackupNotMade(_) => (state, "BACKUP_NOT_MADE", "podlift backup list"),
            E::NoBcm => (state, "NO_BCM", "podlift help cert"),
            E::BcmUnknown { .. } => (Code::Unavailable, "BCM_UNKNOWN", "podlift clusters"),
            E::RunArchived { .. } => (Code::NotFound, "RUN_ARCHIVED", "podlift runs verify"),
            E::NoArchives => (state, "NO_ARCHIVES", "podlift runs"),
            E::ArchiveNotMade { .. } => {
                (Code::Internal, "ARCHIVE_NOT_MADE", "systemctl status podlift-coordinator")
            }
            E::Archive(_) | E::OtherArchive { .. } => {
                (Code::DataLoss, "ARCHIVE_DAMAGED", "podlift runs verify")
            }
            E::Failure(f) if f.class == FailureClass::Transient => {
                (Code::Unavailable, "TRANSIENT", "podlift status")
            }
            E::Failure(_) => (state, "REFUSED", "podlift status"),
            E::Store(StoreError::Illegal(_)) => (state, "ILLEGAL_NOW", "podlift status"),
            E::Store(StoreError::Journal(_) | StoreError::Replay { .. }) | E::Journal(_) => {
                (Code::Internal, "JOURNAL", "systemctl status podlift-coordinator")
            }
            E::Id(_) => (Code::InvalidArgument, "INVALID_FIELD", "podlift help"),
            E::Shared(error) => return error.info(),
        };
        ErrorInfo { code, reason, message: self.to_string(), why: self.why(), next: next.into() }
    }
}
