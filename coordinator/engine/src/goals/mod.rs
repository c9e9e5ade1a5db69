//! Goals: each makes a program from what was observed. The goal makes all decisions of a run before the run starts.

mod ask;
mod assemble;
mod draft;
mod earlier;
#[cfg(test)]
mod earlier_tests;
mod error;
mod input;
mod left_out;
#[cfg(test)]
mod left_out_tests;
mod mends;
pub mod repair;
mod resume;
pub mod upgrade;

pub use ask::{Ask, Wanted};
pub use earlier::{Deferral, Earlier, Left, site};
pub use error::PlanError;
pub use input::{BcmView, PlanInput};
pub use resume::resume;
pub use upgrade::clone_names;

use crate::program::{GoalName, Program};

/// Makes the program of the requested goal, or gives the reason why there is none.
pub fn build(input: &PlanInput) -> Result<Program, PlanError> {
    match input.goal {
        GoalName::Upgrade => upgrade::build(input),
        GoalName::Repair => repair::build(input),
    }
}
