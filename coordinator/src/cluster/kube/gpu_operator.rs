//! The workloads of NVIDIA's GPU operator, wherever it is installed.

use super::addons;
use super::api::Api;
use podlift_engine::doors::RolloutKind;
use podlift_engine::validate::GpuSeen;
use podlift_model::Failure;
use serde_json::Value;

/// What every installation of the operator has.
const OPERATOR: &str = "metadata.name=gpu-operator";

/// `None` if the operator is not installed.
pub(super) async fn read(api: &Api) -> Result<Option<GpuSeen>, Failure> {
    let found = api.list("/apis/apps/v1/deployments", &[("fieldSelector", OPERATOR)]).await?;
    let Some(namespace) = found.first().and_then(|o| o["metadata"]["namespace"].as_str()) else {
        return Ok(None);
    };
    let mut seen = GpuSeen { namespace: namespace.into(), ..GpuSeen::default() };
    for kind in [RolloutKind::Deployment, RolloutKind::DaemonSet] {
        let path = format!("/apis/apps/v1/namespaces/{namespace}/{}s", kind.name());
        let all = api.list(&path, &[]).await?;
        seen.workloads.extend(all.iter().map(|object| (name(kind, object), addons::rollout(kind, object))));
    }
    Ok(Some(seen))
}

fn name(kind: RolloutKind, object: &Value) -> String {
    format!("{}/{}", kind.name(), object["metadata"]["name"].as_str().unwrap_or_default())
}
