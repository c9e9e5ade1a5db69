//! The next batch.

use crate::{Decision, Scene};

/// What may happen next.
pub fn decide(_scene: &Scene) -> Decision {
    Decision::Nothing
}
