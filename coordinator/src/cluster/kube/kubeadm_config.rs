//! ConfigMap kube-system/kubeadm-config, from which kubeadm renders the control plane.

use super::api::Api;
use super::config_map::ConfigMap;
use podlift_engine::doors::KubeadmConfigView;
use podlift_model::{Epoch, Failure};

const MAP: ConfigMap = ConfigMap { name: "kubeadm-config", key: "ClusterConfiguration" };

pub(super) async fn read(api: &Api) -> Result<KubeadmConfigView, Failure> {
    let read = MAP.read(api).await?;
    Ok(KubeadmConfigView {
        resource_version: read.resource_version,
        cluster_configuration: read.text,
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
