//! The gRPC face: who may call what, messages to domain types and back. Thin; what it calls is in `core` and `dispatch`.

mod agent;
mod backup;
mod caller;
mod control;
mod events;
mod plan_watch;
mod read;
#[cfg(test)]
mod tests;
mod version;

pub use agent::AgentSessions;
pub use control::Control;
pub use version::tell;
