//! The CoreDNS that kubeadm would migrate: the image of its Deployment, and its Corefile.

use super::super::api::Api;
use super::super::config_map::ConfigMap;
use podlift_engine::survey::CoreDnsView;
use podlift_model::Failure;
use serde_json::Value;

const COREFILE: ConfigMap = ConfigMap { name: "coredns", key: "Corefile" };
const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/kube-system/deployments/coredns";

/// `None` if the cluster has no CoreDNS that kubeadm would change.
pub(super) async fn read(api: &Api) -> Result<Option<CoreDnsView>, Failure> {
    let Some(deployment) = api.find(DEPLOYMENT).await? else { return Ok(None) };
    let Some(map) = COREFILE.find(api).await? else { return Ok(None) };
    let missing =
        || Failure::operator("coredns", "Deployment kube-system/coredns has no container with an image");
    let image = image(&deployment).ok_or_else(missing)?;
    Ok(Some(CoreDnsView { image, corefile: map.text }))
}

/// The image of the container `coredns`, or of the first container if none has that name.
fn image(deployment: &Value) -> Option<String> {
    let containers = deployment["spec"]["template"]["spec"]["containers"].as_array()?;
    let named = containers.iter().find(|c| c["name"] == "coredns").or(containers.first())?;
    named["image"].as_str().filter(|image| !image.is_empty()).map(String::from)
}
