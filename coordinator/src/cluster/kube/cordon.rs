//! Cordon and uncordon: one merge patch holds unschedulable, owner and epoch, and names the resourceVersion that it is based on. podlift
//! never changes a cordon of another writer.

use super::api::{Api, ApiError};
use super::{nodes, owner};
use podlift_engine::doors::Owner;
use podlift_model::{Epoch, Failure, NodeName, RunId, codes};
use serde_json::{Value, json};

/// A node's status changes every few seconds. This many conflicts in a row have another cause.
const TRIES: u32 = 8;

/// The decision about a node in its present state.
enum Decision {
    Patch(Value, String),
    Leave(String),
}

/// With `from`, a cordon that this ended run has left is taken over in one patch.
pub(super) async fn cordon(
    api: &Api,
    node: &NodeName,
    run: &RunId,
    from: Option<&RunId>,
    epoch: &Epoch,
) -> Result<String, Failure> {
    change(api, node, epoch, |object| {
        let theirs = owner::of(object);
        if object["spec"]["unschedulable"].as_bool().unwrap_or(false) {
            return match theirs {
                Some(o) if o.run == *run && o.epoch == *epoch => {
                    Ok(Decision::Leave("cordoned by this run already".into()))
                }
                Some(o) if o.run == *run => Ok(Decision::Patch(
                    mark(run, epoch),
                    "cordoned by this run already, owner renewed".into(),
                )),
                Some(o) if from == Some(&o.run) => Ok(Decision::Patch(
                    mark(run, epoch),
                    format!("took over the cordon that run {} left", o.run),
                )),
                other => Err(foreign(node, other)),
            };
        }
        Ok(Decision::Patch(mark(run, epoch), format!("cordoned {node}")))
    })
    .await
}

pub(super) async fn uncordon(
    api: &Api,
    node: &NodeName,
    run: &RunId,
    epoch: &Epoch,
) -> Result<String, Failure> {
    change(api, node, epoch, |object| {
        let cordoned = object["spec"]["unschedulable"].as_bool().unwrap_or(false);
        Ok(match (owner::of(object), cordoned) {
            (Some(o), _) if o.run == *run => {
                let annotations = json!({ owner::OWNER: null });
                let patch =
                    json!({"metadata": {"annotations": annotations}, "spec": {"unschedulable": null}});
                Decision::Patch(patch, format!("uncordoned {node}"))
            }
            (_, false) => Decision::Leave(format!("{node} is schedulable already")),
            (Some(o), true) => {
                Decision::Leave(format!("{node} is cordoned by podlift run {}, and stays so", o.run))
            }
            (None, true) => {
                Decision::Leave(format!("{node} is cordoned by another person or program, and stays so"))
            }
        })
    })
    .await
}

fn mark(run: &RunId, epoch: &Epoch) -> Value {
    json!({
        "metadata": {"annotations": { owner::OWNER: owner::text(run, epoch) }},
        "spec": {"unschedulable": true},
    })
}

fn foreign(node: &NodeName, owner: Option<Owner>) -> Failure {
    let who = owner.map_or("somebody else".into(), |o| format!("podlift run {}", o.run));
    let text = format!(
        "{node} was cordoned by {who} in the meantime, and was not touched; find out why, uncordon it, then podlift retry"
    );
    Failure::operator(codes::CORDON_FOREIGN, text)
}

/// Reads, decides and patches. Reads again if another writer was faster.
async fn change(
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
    Err(Failure::transient(
        "api-conflict",
        format!("node {node} changed while it was being patched, in each of {TRIES} tries"),
    ))
}
