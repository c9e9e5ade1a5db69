//! What people and other tools read: folds of the journal, as documents of a fixed shape (`schema` names it).

pub mod checks;
pub mod report;
pub mod schema;
pub mod status;

pub use report::{Report, report};
pub use status::{NodeRow, RunSummary, SeenNode, Status, status};
