//! The events of a run. They are append-only and self-contained: the state of a run follows from its events alone.

use super::archived_run::ArchivedRun;
use super::batch::BatchJob;
use super::probed::{ProbeKind, Probed};
use crate::issues::{Fact, IssueName, Mend, Writer};
use crate::program::{Evidence, Program, Severity, StopReason};
use jiff::Timestamp;
use podlift_model::heal::HealEvent;
use podlift_model::survey::Seen;
use podlift_model::{Digest, Epoch, HostOp, LedgerId, NodeName, OpId, OpOutcome, RunId, StepId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub enum Event {
    /// A coordinator holds the epoch: a majority of the control-plane agents has it on disk.
    EpochClaimed {
        /// Its name in JSON differs, because a record has an `epoch` field of its own.
        #[serde(rename = "claimed")]
        epoch: Epoch,
        acknowledged: Vec<NodeName>,
    },
    RunStarted {
        plan: Box<Program>,
        by: String,
    },
    /// The intent to send an op. The record is durable before the request leaves.
    StepStarted {
        step: StepId,
        attempt: u32,
        op_id: OpId,
        ledger: Option<LedgerId>,
    },
    /// The outcome of an op. The step is judged by the look that follows, not by this outcome.
    OpEnded {
        step: StepId,
        op_id: OpId,
        outcome: OpOutcome,
    },
    /// A step waits. Recorded when the reason changes.
    StepWaiting {
        step: StepId,
        reason: String,
    },
    StepDone {
        step: StepId,
        evidence: Evidence,
    },
    StepFailed {
        step: StepId,
        reason: StopReason,
    },
    /// The result of an earlier step is gone: the steps of the same node or the cluster with these verbs are done again, and then this
    /// one.
    EarlierLost {
        step: StepId,
        again: Vec<String>,
        reason: String,
    },
    RunPaused {
        reason: StopReason,
        by: Option<String>,
        /// Only ops that are running end. Otherwise every lane that has begun goes on to its end.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        now: bool,
    },
    /// A paused run continues. It approves nothing: a run that waits for an approval pauses again.
    RunResumed {
        by: String,
    },
    /// An operator has approved what the run waits for.
    Approved {
        by: String,
        /// The approved part of the run, as the pause named it.
        what: String,
    },
    /// The failed steps are judged again, with every step before them in their lanes.
    RetryAsked {
        step: Option<StepId>,
        by: String,
        /// Before packages are installed again, the agent completes an interrupted dpkg run.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        repair_dpkg: bool,
    },
    /// A person decides that the steps of this node may act although devices are in use there, until its lane is over.
    DevicesOverridden {
        node: NodeName,
        reason: String,
        by: String,
    },
    WaiverLifted {
        check: String,
        by: String,
    },
    NodeDeferred {
        node: NodeName,
        reason: String,
        by: String,
        /// Plans leave the node out until then.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
    },
    /// These nodes of the phase are worked on next. Their lanes may begin; no other lane may that needs to be chosen.
    BatchChosen {
        /// From 1, over the whole run.
        number: u32,
        phase: String,
        /// Empty for a lane of the cluster as a whole.
        nodes: Vec<NodeName>,
        why: String,
        /// Why each node is in the batch.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        reasons: BTreeMap<NodeName, String>,
        /// Jobs that the batch interrupts: `namespace/Kind/name`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        interrupts: Vec<String>,
        /// GPU-seconds of work that those jobs lose if they have no checkpoint.
        #[serde(default, skip_serializing_if = "is_zero")]
        gpu_seconds: u64,
        /// The same jobs, each with its nodes in the batch and its own loss.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        jobs: Vec<BatchJob>,
    },
    /// The policy of the site leaves these nodes out, all nodes of a job together. They are deferred.
    BatchLeft {
        nodes: Vec<NodeName>,
        why: String,
    },
    /// No lane may begin now. Recorded when the reason changes.
    BatchWaits {
        why: String,
        /// When the reason ends, if that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
    },
    /// What the deferral of the node has undone there, and what stays: each line names what a person can do about it.
    NodeUndone {
        node: NodeName,
        undone: Vec<String>,
        left: Vec<String>,
    },
    /// A worker has failed within the budget of failures. Its other steps are skipped, its cordon stays, and the run goes on without it;
    /// `RetryAsked` takes it up again.
    NodeSetAside {
        node: NodeName,
        step: StepId,
        reason: StopReason,
    },
    /// An operator states that the node won't come back. It leaves the run, whatever its role is.
    NodeLost {
        node: NodeName,
        by: String,
    },
    /// An option of the run has another value from now on.
    OptionSet {
        /// `max-unavailable`.
        name: String,
        value: String,
        by: String,
    },
    /// Outside of any run: a person asks that the cordon which a run has left on the node is given back. The record is durable before the
    /// change, and the change may fail.
    NodeReleased {
        node: NodeName,
        /// The run that had left it. Its name in JSON differs, because a record has a `run` field of its own.
        #[serde(rename = "left_by")]
        run: RunId,
        by: String,
        note: String,
    },
    /// A deferred node takes part again.
    NodeIncluded {
        node: NodeName,
        by: String,
    },
    /// A second one stops the undo, and what is left is listed.
    AbortAsked {
        by: String,
        reason: String,
    },
    RunAborted {
        undone: Vec<String>,
        left: Vec<String>,
    },
    RunSucceeded,
    /// The agent of this head node runs BCM's tools from now on: BCM has failed over since the plan was made, or back.
    HeadActs {
        head: NodeName,
    },
    Healed {
        heal: HealEvent,
    },
    ApiDown {
        endpoint: String,
        why: String,
    },
    ApiUp {
        endpoint: String,
        milliseconds: u64,
    },
    /// Reads of an object at an API endpoint, each over a fresh connection, while the run changed the control plane: the counts since the
    /// last record of this kind.
    ApiProbed {
        endpoint: String,
        /// What was asked of the endpoint; absent for a read.
        #[serde(default, skip_serializing_if = "ProbeKind::is_read")]
        kind: ProbeKind,
        #[serde(flatten)]
        counts: Probed,
    },
    AgentConnected {
        node: NodeName,
        ledger: LedgerId,
    },
    AgentLost {
        node: NodeName,
    },
    /// An agent has another ledger than before. The ops that it had not finished are Indeterminate.
    LedgerChanged {
        node: NodeName,
        before: LedgerId,
        now: LedgerId,
    },
    /// A second machine connected under the name of a node and was refused. Recorded once for a machine, not for each attempt.
    MachineRefused {
        node: NodeName,
        /// The machine that stays, with its boot.
        first: String,
        /// The machine that came, with its boot.
        second: String,
        /// Why the first machine counts as alive.
        why: String,
    },
    /// An operator states that runs which only agents remember need no journal.
    RunsAdopted {
        runs: Vec<RunId>,
        by: String,
    },
    /// An operator attests what no machine can know.
    Attested {
        /// One of `program::ATTESTATIONS`.
        name: String,
        by: String,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        note: String,
    },
    /// An operator requests an op of one node, outside of any run.
    NodeAsked {
        node: NodeName,
        op_id: OpId,
        op: HostOp,
        by: String,
    },
    /// The outcome of that op.
    NodeAnswered {
        node: NodeName,
        op_id: OpId,
        outcome: OpOutcome,
    },
    /// A backup set outside of any run has been sealed.
    BackupMade {
        name: String,
        /// Hash of its manifest of hashes.
        sha256: Digest,
        by: String,
        bytes: u64,
    },
    /// A person lets the run make what this item names.
    ItemApproved {
        /// One of `program::Item`.
        item: String,
        by: String,
    },
    /// A person forbids the run to make what this item names. The run goes on without it.
    ItemRefused {
        item: String,
        reason: String,
        by: String,
    },
    /// An object of the record is gone or has changed, as the coordinator's watch shows it. In a run or outside of any.
    ObjectLost {
        /// `service runai/runai-proxy`.
        object: String,
        issue: IssueName,
        what: String,
        /// Who changed it last; absent if nothing names a writer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Writer>,
    },
    /// The coordinator is about to repair the object by itself. The record is durable before the change.
    MendStarted {
        object: String,
        issue: IssueName,
        mend: Mend,
    },
    MendEnded {
        object: String,
        issue: IssueName,
        /// What was seen afterwards, or why the repair failed.
        result: Seen<String>,
        /// From the loss to the result.
        milliseconds: u64,
    },
    /// The sentinel sees something that needs a person or a repair. Recorded once, until it is cleared or changes.
    SentinelSaw {
        /// What is seen, by a name that stays: `drift/kubeadm-config`, `load-balancers/runai/runai-proxy`.
        key: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        issue: Option<IssueName>,
        severity: Severity,
        what: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        evidence: Vec<Fact>,
        next: String,
    },
    SentinelCleared {
        key: String,
        /// Why it is over.
        what: String,
    },
    /// The findings that a person writes into the report of a run, also after its end. A later one replaces it.
    ReportNote {
        text: String,
        by: String,
    },
    /// The records of ended runs have moved to a file; the journal keeps only their hashes.
    RunsArchived {
        /// Name of the file, in the journal's directory.
        file: String,
        /// Hash of the whole file.
        sha256: Digest,
        /// The request was for runs that ended before this time.
        before: Timestamp,
        runs: Vec<ArchivedRun>,
        by: String,
    },
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}
