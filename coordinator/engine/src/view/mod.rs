//! The views that people and other tools read: folds of the journal, as documents of a fixed shape (`schema` names it).

pub mod backups;
pub mod bcm;
#[cfg(test)]
mod bcm_tests;
pub mod checks;
pub mod clusters;
pub mod eta;
pub mod findings;
pub mod heal;
pub mod interrupted;
pub mod issues;
pub mod node;
pub mod report;
pub mod runs;
pub mod schema;
mod select;
pub mod sentinel;
#[cfg(test)]
mod signed_tests;
pub mod status;
#[cfg(test)]
mod tests;
mod times;
#[cfg(test)]
mod times_tests;

pub use crate::selector::{self, Selector, SelectorError};
pub use backups::{BackupCheck, BackupRow, Backups};
pub use bcm::{AtHead, BcmReport, ImageReport};
pub use clusters::{ClusterRow, Clusters, clusters};
pub use eta::{Eta, eta};
pub use heal::{Heal, HealAsk, HealHistory, HealNode, HealRecord, heal};
pub use interrupted::InterruptedJob;
pub use issues::IssueRow;
pub use node::{NodeDetail, node};
pub use report::{Report, report};
pub use runs::{ArchivedRow, RunRow, Runs, runs};
pub use select::select;
pub use sentinel::{SentinelRow, SentinelView, Sentinels};
pub use status::{FailedNode, NodeRow, RunSummary, SeenNode, Selection, Status, status, summary};
