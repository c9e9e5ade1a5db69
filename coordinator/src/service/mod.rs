//! The gRPC services: they check the caller's role and convert messages to domain types and back. They are thin; `core` and `dispatch` do
//! the work.

mod agent;
mod backup;
mod caller;
mod control;
mod events;
mod plan_watch;
mod read;
#[cfg(test)]
mod tests;
mod validate;
mod version;
mod words;

pub use agent::AgentSessions;
pub use control::Control;
pub use version::tell;
