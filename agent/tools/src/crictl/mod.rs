//! `crictl`: pods, containers and images of this node, without an API server. It asks, pulls images, and runs a command in a running
//! container; it starts and ends no container.

mod containers;
mod exec;
mod images;
mod info;
mod inspect;
mod pods;
mod runtime;

pub use containers::{Container, RunningContainer, containers, running_in};
pub use exec::{Executed, exec};
pub use images::{image_folder, images, pull};
pub use info::{Info, info};
pub use inspect::{Inspected, inspect, log_tail};
pub use pods::{Sandbox, ready as ready_sandboxes, sandboxes};
pub use runtime::runtime;

use podlift_model::Failure;
use serde_json::Value;

fn unreadable(e: impl std::fmt::Display) -> Failure {
    Failure::operator("crictl-answer", format!("crictl printed no JSON that podlift knows: {e}"))
}

/// `createdAt`: nanoseconds, a number in quotes as protobuf writes it.
fn nanoseconds(value: &Value) -> Option<i128> {
    value.as_str().and_then(|t| t.parse().ok()).or(value.as_i64().map(i128::from))
}
