//! Cordon and uncordon: unschedulable, owner and epoch in one merge patch that names the resourceVersion it rests on. What somebody else
//! cordoned is never touched.

use super::api::{Api, ApiError};
use super::{nodes, owner};
use podlift_engine::doors::Owner;
use podlift_model::{Epoch, Failure, NodeName, RunId};
use serde_json::{Value, json};

/// A node object changes every few seconds by itself (status): so many conflicts in a row are no accident.
const TRIES: u32 = 8;

/// What to do about a node as it is.
enum Decision {
    Patch(Value, String),
    Leave(String),
}

pub(super) async fn cordon(
    api: &Api,
    node: &NodeName,
    run: &RunId,
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
                Decision::Leave(format!("{node} is cordoned by podlift run {}: left so", o.run))
            }
            (None, true) => Decision::Leave(format!("{node} is cordoned by somebody else: left so")),
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
        "{node} was cordoned by {who} in the meantime: not touched; find out why, uncordon it, then podlift retry"
    );
    Failure::operator("cordon-foreign", text)
}

/// Reads, decides, patches; reads again where somebody was quicker.
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
        format!("node {node} changed {TRIES} times while it was being patched"),
    ))
}
