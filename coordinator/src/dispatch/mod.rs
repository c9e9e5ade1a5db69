//! The connection to the agents: the questions that an agent may get, and the hub that holds the sessions.

mod agents;
mod hub;
mod limits;
mod registry;

pub use agents::{
    Agents, EPOCH_STALE, HEAD_UNREACHABLE, Looked, Progress, UNREACHABLE, head_unreachable, unreachable,
};
pub(crate) use hub::impostor;
pub use hub::{Hub, HubSettings};
pub(crate) use limits::MESSAGE;
pub(crate) use limits::of_look;
