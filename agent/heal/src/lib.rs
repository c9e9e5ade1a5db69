//! Heals static pod manifests, alone: expectations are on this disk, and coordinator, API server and network may all be gone.

mod control;
mod diff;
pub mod expectations;
mod facts;
mod guard;
mod healer;
mod history;
pub mod manifest;
pub mod mend;
mod meters;
pub mod rules;
pub mod settings;
pub mod splice;
mod watch;

pub use expectations::Expectations;
pub use healer::Heal;
pub use meters::HealMeters;
pub use watch::watch;

#[cfg(test)]
mod disk_tests;
#[cfg(test)]
mod tests;
