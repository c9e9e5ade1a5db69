//! ConfigMap kube-system/kubelet-config: what kubeadm writes each node's kubelet configuration from.

use super::config_map::ConfigMap;

pub(super) const MAP: ConfigMap = ConfigMap { name: "kubelet-config", key: "kubelet" };
