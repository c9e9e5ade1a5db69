//! The last plans that people saw, so that a start can name what has changed since.

use podlift_engine::Program;
use podlift_model::Digest;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Number of recent plans that a request may name by hash.
const KEPT: usize = 16;

/// The fingerprints of a plan's input, by name of the part.
type Fingerprints = BTreeMap<String, Digest>;

/// Hash and fingerprints of each plan. The plans themselves have tens of megabytes in a large fleet.
#[derive(Default)]
pub(super) struct SeenPlans(Mutex<VecDeque<(Digest, Fingerprints)>>);

impl SeenPlans {
    pub fn keep(&self, plan: &Program) {
        let mut plans = self.plans();
        plans.push_back((plan.hash.clone(), plan.fingerprints.clone()));
        while plans.len() > KEPT {
            plans.pop_front();
        }
    }

    /// The fingerprints of the input of the plan with this hash.
    pub fn fingerprints(&self, hash: &str) -> Option<Fingerprints> {
        self.plans().iter().rev().find(|(kept, _)| kept.as_str() == hash).map(|(_, parts)| parts.clone())
    }

    fn plans(&self) -> MutexGuard<'_, VecDeque<(Digest, Fingerprints)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
