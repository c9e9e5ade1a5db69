//! The upgrade by one minor or to a later patch: it checks and predicts what would go wrong, and puts the steps in order.

mod ask;
mod blast;
mod budget;
mod build;
pub mod checks;
mod fingerprint;
mod input;
mod loss;
mod meant;
mod order;

pub use ask::Ask;
pub use build::{PlanError, build};
pub use input::{BcmView, PlanInput};

#[cfg(test)]
mod cases;
#[cfg(test)]
mod large_tests;
#[cfg(test)]
mod tests;
