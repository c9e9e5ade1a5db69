//! ConfigMap kube-system/kubelet-config, from which kubeadm writes each node's kubelet configuration.

use super::api::Api;
use super::config_map::ConfigMap;
use podlift_engine::doors::KubeletConfigView;
use podlift_model::{Epoch, Failure};

const MAP: ConfigMap = ConfigMap { name: "kubelet-config", key: "kubelet" };

pub(super) async fn read(api: &Api) -> Result<KubeletConfigView, Failure> {
    let read = MAP.read(api).await?;
    Ok(KubeletConfigView {
        resource_version: read.resource_version,
        kubelet: read.text,
        managers: read.managers,
    })
}

pub(super) async fn write(
    api: &Api,
    resource_version: &str,
    text: &str,
    epoch: &Epoch,
) -> Result<String, Failure> {
    MAP.write(api, resource_version, text, epoch).await
}
