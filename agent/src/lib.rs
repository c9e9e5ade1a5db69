//! The node agent: does the node's own work (apt, kubeadm, kubelet, static pods) on a coordinator's request, and repairs its static pod
//! manifests without one. All IO goes through `host`. The agent makes no decisions about the fleet.

mod agent;
mod aside;
mod checkpoint;
mod cli;
pub mod config;
mod daemon;
mod down;
mod executor;
mod interlock;
mod keeper;
mod kubelet_user;
mod learn;
pub mod ledger;
pub mod link;
mod look;
mod metrics;
mod node;
mod ops;
mod pulse;
#[cfg(test)]
mod real_etcd;
pub mod recipient;
mod session;
mod setup;
mod snapshots;
mod start;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod transcript_tests;
pub mod units;

pub use agent::{Agent, OpenError, Seams, WrapLedger};
pub use cli::main;
pub use config::Config;
pub use ledger::Ledger;
pub use link::{Channel, Link, LinkError};
/// The ports, for programs that give the agent others than the machine's.
pub use podlift_host as host;
pub use units::{Exit, record_exit};
