//! Heals static pod manifests, alone: expectations are on this disk, and coordinator, API server and network may all be gone.

mod control;
mod diff;
mod expectations;
mod guard;
mod healer;
mod history;
mod learn;
pub mod manifest;
mod mend;
pub mod rules;
pub mod splice;
mod watch;

pub use expectations::Expectations;
pub use healer::Heal;
pub(crate) use learn::learn;
pub(crate) use watch::watch;

#[cfg(test)]
mod disk_tests;
#[cfg(test)]
mod tests;
