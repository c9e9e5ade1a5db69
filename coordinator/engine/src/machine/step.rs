//! What became of one step so far.

use crate::program::{Evidence, StopReason};
use jiff::Timestamp;
use podlift_model::{LedgerId, OpId, OpOutcome};
use serde::Serialize;

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "status")]
pub enum StepStatus {
    Pending,
    Waiting {
        reason: String,
    },
    /// Sent or about to be: nobody may start it a second time.
    Started {
        op_id: OpId,
        ledger: Option<LedgerId>,
    },
    /// The op ended; the step is not judged yet.
    Ended {
        op_id: OpId,
        outcome: OpOutcome,
    },
    Done {
        evidence: Evidence,
    },
    Failed {
        reason: StopReason,
    },
    /// Its node was deferred.
    Skipped {
        reason: String,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepState {
    #[serde(flatten)]
    pub status: StepStatus,
    /// Attempts so far.
    pub attempts: u32,
    /// An op of this step ended as Done since the step was last set back.
    pub acted: bool,
    /// … or ever.
    pub ever_acted: bool,
    pub began: Option<Timestamp>,
    pub ended: Option<Timestamp>,
    /// Whoever asked for this attempt wants an interrupted dpkg brought to its end first.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub repair_dpkg: bool,
}

impl StepState {
    pub fn pending() -> Self {
        Self {
            status: StepStatus::Pending,
            attempts: 0,
            acted: false,
            ever_acted: false,
            began: None,
            ended: None,
            repair_dpkg: false,
        }
    }
    pub fn is_over(&self) -> bool {
        matches!(self.status, StepStatus::Done { .. } | StepStatus::Skipped { .. })
    }
    /// An op of this step is on its way or may be.
    pub fn is_open(&self) -> bool {
        matches!(self.status, StepStatus::Started { .. } | StepStatus::Ended { .. })
    }
}
