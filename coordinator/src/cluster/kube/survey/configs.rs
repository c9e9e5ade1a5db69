//! ConfigMaps that kubeadm and kube-proxy read, besides kubeadm's own.

use super::super::api::Api;
use super::super::config_map::ConfigMap;
use super::super::kubelet_config;
use podlift_model::Failure;

const KUBE_PROXY: ConfigMap = ConfigMap { name: "kube-proxy", key: "config.conf" };

pub(super) async fn kubelet(api: &Api) -> Result<String, Failure> {
    Ok(kubelet_config::read(api).await?.kubelet)
}

/// `None` if there is no kube-proxy in the cluster.
pub(super) async fn kube_proxy(api: &Api) -> Result<Option<String>, Failure> {
    Ok(KUBE_PROXY.find(api).await?.map(|read| read.text))
}
