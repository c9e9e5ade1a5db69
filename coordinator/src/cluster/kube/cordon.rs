//! Cordon and uncordon: one merge patch holds unschedulable, owner and epoch, and names the resourceVersion that it is based on. The same
//! patch writes and removes the record of the node as it was. podlift never changes a cordon of another writer.

use super::api::Api;
use super::node_patch::{Decision, change};
use super::{before, foreign, owner, soft_taint};
use podlift_engine::doors::Owner;
use podlift_model::{Epoch, Failure, NodeName, RunId, codes};
use serde_json::{Value, json};

/// With `from`, a cordon that this ended run has left is taken over in one patch. `held` names the packages that are held on the node, for
/// its record.
pub(super) async fn cordon(
    api: &Api,
    node: &NodeName,
    run: &RunId,
    from: Option<&RunId>,
    held: &[String],
    epoch: &Epoch,
) -> Result<String, Failure> {
    change(api, node, epoch, |object| {
        let mut marked = mark(run, epoch);
        let theirs = owner_of(object);
        if object["spec"]["unschedulable"].as_bool().unwrap_or(false) {
            before::record(object, run, held, &mut marked);
            return match theirs {
                Some(o) if o.run == *run && o.epoch == *epoch => {
                    Ok(Decision::Leave("cordoned by this run already".into()))
                }
                Some(o) if o.run == *run => {
                    Ok(Decision::Patch(marked, "cordoned by this run already, owner renewed".into()))
                }
                Some(o) if from == Some(&o.run) => {
                    Ok(Decision::Patch(marked, format!("took over the cordon that run {} left", o.run)))
                }
                other => Err(foreign(node, other)),
            };
        }
        before::record_cordon(object, run, held, &mut marked);
        Ok(Decision::Patch(marked, format!("cordoned {node}")))
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
        let tainted = soft_taint::of(object).as_ref() == Some(run);
        let mut patch = json!({"metadata": {"annotations": { owner::OWNER: null }}});
        before::forget(object, run, tainted, &mut patch);
        Ok(match (owner::of(object), cordoned) {
            (Some(o), true) if o.run == *run && owner_of(object).is_none() => {
                let by = foreign::cordoned_by(object).unwrap_or_default();
                let line =
                    format!("{node} was cordoned by {by} meanwhile and stays so; podlift's mark is removed");
                Decision::Patch(patch, line)
            }
            (Some(o), true) if o.run == *run && before::was_cordoned(object, run) => Decision::Patch(
                patch,
                format!("{node} was cordoned before run {run} and stays so; podlift's mark is removed"),
            ),
            (Some(o), _) if o.run == *run => {
                patch["spec"]["unschedulable"] = Value::Null;
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

/// The run that has cordoned the node. The mark of a run is not enough if another program has cordoned the node since.
fn owner_of(object: &Value) -> Option<Owner> {
    let foreign = foreign::cordoned_by(object).is_some_and(|by| by != foreign::OURS);
    owner::of(object).filter(|_| !foreign)
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
