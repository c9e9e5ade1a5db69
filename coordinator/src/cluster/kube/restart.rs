//! Has the pods of a workload made anew, one after another, as `kubectl rollout restart` does, and looks at how far that is.

use super::addons::{self, Addons};
use super::api::Api;
use super::owner;
use jiff::Timestamp;
use podlift_engine::doors::{RolloutKind, RolloutView};
use podlift_model::{Epoch, Failure, RunId};
use serde_json::{Value, json};

/// The annotation of kubectl.
const RESTARTED: &str = "kubectl.kubernetes.io/restartedAt";
/// The run that has restarted the pods.
const BY: &str = "podlift.io/restarted-by";

/// A workload by kind, namespace and name.
pub(super) struct Workload<'a> {
    pub kind: RolloutKind,
    pub namespace: &'a str,
    pub name: &'a str,
}

impl Workload<'_> {
    fn path(&self) -> String {
        let Self { kind, namespace, name } = self;
        format!("/apis/apps/v1/namespaces/{namespace}/{}s/{name}", kind.name())
    }

    pub async fn look(&self, all: &Addons<'_>) -> Result<Option<RolloutView>, Failure> {
        let Some(object) = all.api.find(&self.path()).await? else { return Ok(None) };
        Ok(Some(match self.kind {
            RolloutKind::DaemonSet => all.of_set(&object).await?,
            kind => addons::rollout(kind, &object),
        }))
    }

    /// A restart by the same run is not repeated.
    pub async fn restart(
        &self,
        api: &Api,
        run: Option<&RunId>,
        epoch: &Epoch,
        now: Timestamp,
    ) -> Result<String, Failure> {
        let object = api.get(&self.path()).await?;
        owner::check(&object, epoch)?;
        let Self { kind, namespace, name } = self;
        let what = format!("{} {namespace}/{name}", kind.name());
        let by = run.map_or("sentinel", RunId::as_str);
        if run.is_some() && object["spec"]["template"]["metadata"]["annotations"][BY] == by {
            return Ok(format!("the pods of {what} are being made anew already"));
        }
        api.merge_patch(&self.path(), &patch(&object, by, epoch, now)).await?;
        Ok(format!("the pods of {what} are being made anew"))
    }
}

fn patch(object: &Value, by: &str, epoch: &Epoch, now: Timestamp) -> Value {
    let epoch = serde_json::to_string(epoch).unwrap_or_default();
    let when = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    json!({
        "metadata": {
            "resourceVersion": object["metadata"]["resourceVersion"],
            "annotations": { owner::EPOCH: epoch },
        },
        "spec": {"template": {"metadata": {"annotations": { RESTARTED: when, BY: by }}}},
    })
}
