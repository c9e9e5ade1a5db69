//! Months of a fleet with jobs, upgraded at several moments in three ways: node by node as in the runbook, in plain batches, and in podlift's
//! order, which comes from the product's scheduler itself. The same trace gives the same figures.

mod chance;
mod cluster;
mod generate;
mod outcome;
mod play;
mod rollout;
mod svg;
mod table;
mod trace;

pub use outcome::{Comparison, Outcome, Upgrade};
pub use play::run;
pub use rollout::Way;
pub use svg::render_svg;
pub use table::render_table;
pub use trace::{FleetSpec, Generate, Job, Trace, TraceError, Upgrades};

use podlift_batches::Policy;

/// Plays the trace in each of the three ways. The policy is that of podlift's order; its limit of unavailable nodes is also the size of the
/// plain batches.
pub fn compare(trace: &Trace, policy: &Policy) -> Comparison {
    let outcomes = Way::ALL.iter().map(|way| run(trace, policy, *way)).collect();
    Comparison::new(trace, policy, outcomes)
}
