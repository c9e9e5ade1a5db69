//! One change of a Node object: it is read, judged and patched on the condition that nobody has written it in between.

use super::api::{Api, ApiError};
use super::{nodes, owner};
use podlift_model::{Epoch, Failure, NodeName, codes};
use serde_json::Value;

/// A node's status changes every few seconds. This many conflicts in a row have another cause.
const TRIES: u32 = 8;

/// The decision about a node in its present state, with a line for people.
pub(super) enum Decision {
    /// A merge patch. The resourceVersion is added to it.
    Patch(Value, String),
    Leave(String),
}

/// Reads, decides and patches. Reads again if another writer was faster.
pub(super) async fn change(
    api: &Api,
    node: &NodeName,
    epoch: &Epoch,
    decide: impl Fn(&Value) -> Result<Decision, Failure>,
) -> Result<String, Failure> {
    for _ in 0..TRIES {
        let object = nodes::raw(api, node).await?;
        owner::check(&object, epoch)?;
        let (mut patch, line) = match decide(&object)? {
            Decision::Leave(line) => return Ok(line),
            Decision::Patch(patch, line) => (patch, line),
        };
        patch["metadata"]["resourceVersion"] = object["metadata"]["resourceVersion"].clone();
        match api.merge_patch(&nodes::path(node), &patch).await {
            Ok(_) => return Ok(line),
            Err(ApiError::Status(s)) if s.code == 409 => {}
            Err(error) => return Err(error.into()),
        }
    }
    let text = format!("node {node} changed while it was being patched, in each of {TRIES} tries");
    Err(Failure::transient(codes::API_CONFLICT, text))
}
