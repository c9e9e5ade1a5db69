//! Heals static pod manifests without help: the expectations are on the local disk, and the coordinator, the API server and the network may
//! all be down.
//!
//! The heal and its ports are separate crates, so that the heal can't reach the state of a session or an op.
//!
//! People edit manifests by hand, so the heal splices bytes and keeps every other byte.

mod adopt;
mod allowance;
mod budget;
mod control;
mod diff;
mod evidence;
pub mod expectations;
mod facts;
mod findings;
mod guard;
mod healer;
mod history;
mod learn;
mod look;
pub mod manifest;
mod mend;
mod meters;
mod notices;
mod pairs;
mod read;
mod readonly;
mod repair;
mod ring;
pub mod rules;
mod runtime;
pub mod settings;
mod situation;
pub mod splice;
mod state;
pub mod strays;
mod suspects;
mod tidy;
mod watch;
mod why;
pub mod yaml;

pub use adopt::{Applied, Refused};
pub use evidence::{Endpoints, Learned};
pub use expectations::{Expectations, Forbidden};
pub use healer::Heal;
pub use history::Intent;
pub use meters::HealMeters;
pub use read::Look;
pub use runtime::{RunningPod, Runtime};
pub use watch::watch;

#[cfg(test)]
mod disk_tests;
#[cfg(test)]
mod tests;
