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
    let dns = api.find("/apis/apps/v1/namespaces/kube-system/deployments/coredns").await?;
    let images = [&set, &dns].into_iter().flatten().filter_map(image).map(String::from).collect();
    let kube_proxy_version = set.as_ref().and_then(version);
    Ok(AddonsView { kube_proxy, coredns, kube_proxy_version, images, ..AddonsView::default() })
}

/// The image of the first container.
fn image(object: &Value) -> Option<&str> {
    object["spec"]["template"]["spec"]["containers"].as_array()?.first()?["image"].as_str()
}

fn version(set: &Value) -> Option<KubeVersion> {
    // registry:port/name:tag@digest
    let image = image(set)?.split('@').next()?;
    image.rsplit_once(':')?.1.parse().ok()
}
