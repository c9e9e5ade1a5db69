//! `kill`: one signal to one process of the node.

use crate::must;
use podlift_host::{Host, Invocation};
use podlift_model::Failure;
use podlift_model::checkpoint::CheckpointSignal;

pub async fn kill(host: &Host, signal: CheckpointSignal, pid: u32) -> Result<(), Failure> {
    must(host, &Invocation::new("kill", ["-s", signal.name(), &pid.to_string()])).await.map(drop)
}
