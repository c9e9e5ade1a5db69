//! The coordinator: plans a run, records it in the journal, sends its ops to agents, asks the cluster, and shows what happened. The engine
//! decides what to do next, and the agent acts on its host. This crate does not touch a node or start a process.

pub mod backup;
pub mod cluster;
pub mod config;
pub mod core;
mod daemon;
pub mod dispatch;
pub mod exec;
mod flights;
mod fold;
mod head;
pub mod journal;
mod meters;
pub mod metrics;
#[cfg(test)]
mod no_process_tests;
#[cfg(test)]
mod plural_tests;
mod pulse;
pub mod sentinel;
pub mod server;
pub mod service;
pub mod store;
#[cfg(any(test, feature = "testing"))]
#[allow(clippy::unwrap_used)] // a test may panic
pub mod testing;
pub mod validate;

pub use crate::core::{Command, Coordinator, CoordinatorError, Parts, PlanAsk};
pub use cluster::Cluster;
pub use daemon::main;
pub use dispatch::{Agents, Hub};
pub use exec::Runner;
pub use journal::Journal;
pub use meters::Meters;
pub use store::Store;
