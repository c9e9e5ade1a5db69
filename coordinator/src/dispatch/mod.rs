//! The way to the agents: what may be asked of one, and the hub that holds their sessions.

mod agents;
mod hub;

pub use agents::{Agents, EPOCH_STALE, Looked, Progress, UNREACHABLE, unreachable};
pub use hub::{Hub, HubSettings};
