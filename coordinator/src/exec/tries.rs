//! Counts the tries of a step: how often an op failed in a transient way, and how often it succeeded without an effect.

use super::turn::Basis;
use podlift_model::{Failure, FailureClass, OpId};
use std::time::Duration;

/// How often an act is repeated that succeeds and changes nothing.
pub(super) const NO_EFFECT: u32 = 3;
const BACKOFF_MAX: Duration = Duration::from_secs(30);

#[derive(Default)]
pub(super) struct Tries {
    failures: u32,
    /// The last op that failed.
    failed: Option<OpId>,
    no_effect: u32,
}

/// What follows a failed op.
pub(super) enum Again {
    /// The failure was counted before.
    Counted,
    After(Duration),
    GiveUp,
}

impl Tries {
    /// A transient failure is retried up to the policy's limit, and one that `may_pass` once.
    pub fn failed(&mut self, op_id: &OpId, failure: &Failure, basis: &Basis, may_pass: bool) -> Again {
        if self.failed.as_ref() == Some(op_id) {
            return Again::Counted;
        }
        self.failed = Some(op_id.clone());
        let poll = basis.policy.poll;
        // An unreachable API proves nothing about the op, so it does not use up the tries.
        let counts = failure.code != crate::cluster::UNREACHABLE;
        self.failures += u32::from(counts);
        let retries = basis.policy.retries.max(u32::from(may_pass));
        match (may_pass || failure.class == FailureClass::Transient) && self.failures <= retries {
            true => Again::After((poll * 2u32.saturating_pow(self.failures.min(8))).min(BACKOFF_MAX)),
            false if !counts => Again::After(poll),
            false => Again::GiveUp,
        }
    }

    /// Counts an op that succeeded and left the goal unreached. True if it was the last one.
    pub fn without_effect(&mut self) -> bool {
        self.no_effect += 1;
        self.no_effect >= NO_EFFECT
    }
}
