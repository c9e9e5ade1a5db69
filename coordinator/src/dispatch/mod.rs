//! The way to the agents: what may be asked of one, and the hub that holds their sessions.

mod agents;
mod hub;
mod limits;
mod registry;

pub use agents::{Agents, EPOCH_STALE, Looked, Progress, UNREACHABLE, unreachable};
pub(crate) use hub::impostor;
pub use hub::{Hub, HubSettings};
pub(crate) use limits::MESSAGE;
