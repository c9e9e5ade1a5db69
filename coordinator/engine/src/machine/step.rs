//! The state of one step.

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
    /// The request is sent or about to be sent. The step must not be started a second time.
    Started {
        op_id: OpId,
        ledger: Option<LedgerId>,
    },
    /// The op ended, but the step is not judged yet.
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
    /// The node of the step was deferred.
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
    /// An op of this step has ended as Done since the step was last reset.
    pub acted: bool,
    /// An op of this step has ended as Done at any time.
    pub ever_acted: bool,
    pub began: Option<Timestamp>,
    /// How often an operator had let the run go on when it began.
    #[serde(skip)]
    pub(super) began_in: u32,
    pub ended: Option<Timestamp>,
    /// The retry requested that an interrupted dpkg run is completed first.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub repair_dpkg: bool,
    /// A retry was requested for this step.
    #[serde(skip)]
    pub retried: bool,
    /// Code of its last failure, also after a retry.
    #[serde(skip)]
    pub last_failure: Option<String>,
    /// Its length is among those from which the run learns.
    #[serde(skip)]
    pub(super) timed: bool,
    /// The step has failed, and a pause has named it; a retry of another step leaves it as it is.
    #[serde(skip)]
    pub parked: bool,
    /// How often the step has had earlier steps done again since the last retry.
    #[serde(skip_serializing_if = "is_zero")]
    pub redone: u32,
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl StepState {
    pub fn pending() -> Self {
        Self {
            status: StepStatus::Pending,
            attempts: 0,
            acted: false,
            ever_acted: false,
            began: None,
            began_in: 0,
            ended: None,
            repair_dpkg: false,
            retried: false,
            last_failure: None,
            timed: false,
            parked: false,
            redone: 0,
        }
    }
    /// The first attempt begins.
    pub(super) fn begins(&mut self, at: Timestamp, continued: u32) {
        if self.began.is_none() {
            (self.began, self.began_in) = (Some(at), continued);
        }
    }
    pub fn is_done(&self) -> bool {
        matches!(self.status, StepStatus::Done { .. })
    }
    pub fn is_over(&self) -> bool {
        matches!(self.status, StepStatus::Done { .. } | StepStatus::Skipped { .. })
    }
    /// Whether an op of this step is under way or may be.
    pub fn is_open(&self) -> bool {
        matches!(self.status, StepStatus::Started { .. } | StepStatus::Ended { .. })
    }
}
