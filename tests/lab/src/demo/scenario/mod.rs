//! A scenario: a file of data that says what the cluster is like, what happens and when, what the operator types, and how it must end.
//! The language is small on purpose: conditions are observed, never waited out.

mod action;
mod bcm;
mod check;
mod file;
mod library;
mod site;
mod when;

pub use action::{Action, Edit, FaultOrder, How, MachineState, Named, PackageState, Patch};
pub use bcm::{Bcm, SyncEnd};
pub use check::check;
pub use file::{Event, Expected, Scenario, Step};
pub use library::{ALL, find};
pub use site::{BalancersState, IngressState, Loss, Site};
/// In a list of nodes: every control-plane node, however many there are.
pub const ALL_SERVERS: &str = "control-plane";

pub use when::{RecordSeen, When};
