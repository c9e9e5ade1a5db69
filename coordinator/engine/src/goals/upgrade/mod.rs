//! The upgrade by one minor or to a later patch: it checks and predicts what would go wrong, and puts the steps in order.

pub(super) mod bcm_plan;
mod blast;
mod budget;
pub(super) mod build;
pub mod checks;
pub(super) mod fingerprint;
mod forecast;
mod image_order;
mod images;
pub(in crate::goals) mod items;
pub(super) mod loss;
mod meant;
mod order;

pub use bcm_plan::clone_names;
pub use build::build;

#[cfg(test)]
mod batches_tests;
#[cfg(test)]
mod cases;
#[cfg(test)]
mod large_tests;
#[cfg(test)]
mod tests;
