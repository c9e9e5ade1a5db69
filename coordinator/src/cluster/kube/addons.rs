//! Which of kubeadm's addons the cluster uses, as their ConfigMaps show, and the version of kube-proxy.

use super::api::Api;
use podlift_engine::doors::AddonsView;
use podlift_model::{Failure, KubeVersion};
use serde_json::Value;

pub(super) async fn read(api: &Api) -> Result<AddonsView, Failure> {
    let map = |name: &str| format!("/api/v1/namespaces/kube-system/configmaps/{name}");
    let kube_proxy = api.find(&map("kube-proxy")).await?.is_some();
    let coredns = api.find(&map("coredns")).await?.is_some();
    let set = api.find("/apis/apps/v1/namespaces/kube-system/daemonsets/kube-proxy").await?;
    Ok(AddonsView { kube_proxy, coredns, kube_proxy_version: set.as_ref().and_then(version) })
}

fn version(set: &Value) -> Option<KubeVersion> {
    let containers = set["spec"]["template"]["spec"]["containers"].as_array()?;
    let image = containers.first()?["image"].as_str()?;
    // registry:port/name:tag@digest
    let image = image.split('@').next()?;
    image.rsplit_once(':')?.1.parse().ok()
}
