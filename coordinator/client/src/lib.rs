//! The client of a podlift coordinator: the connection, the verbs with typed requests and answers, a run followed through restarts, and
//! a live model of run and fleet. The command line is built on it, and a second user interface can be.
//!
//! This crate prints nothing, reads no terminal and ends no process. It keeps no state of a run except what the coordinator has sent.

mod answer;
mod client;
mod config;
pub mod dashboard;
mod endpoint;
mod error;
mod follow;
pub mod live;
mod requests;
mod sealed;
#[cfg(test)]
mod tests;
mod version;

pub use answer::{Answer, View};
pub use client::{Client, Events, Progress};
pub use config::{Config, Tls};
pub use endpoint::Endpoint;
pub use error::{Error, Kind};
pub use follow::{Observer, Position, follow, position};
pub use requests::{
    Approval, BackupQuery, Command, EventsQuery, Goal, PlanQuery, RunOptions, RunScope, Start, ValidateQuery,
};
pub use sealed::{Unsealed, unsealed};
pub use version::OWN as VERSION;
