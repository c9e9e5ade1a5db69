//! kubeadm's ClusterConfiguration: what it makes kubeadm write, and how to repair it. Reads v1beta3 (extraArgs is a map) and v1beta4
//! (extraArgs is a list of name and value). kubeadm renders whole manifests from this text and validates nothing on upgrade (kubeadm 1.32
//! `util/config/cluster.go`), so what is missing here is missing on every control-plane node after the upgrade.

mod defaults;
mod etcd;
mod extra;
mod forms;
mod origin;
mod render;
mod repair;

pub use defaults::{NODES_OWN, VOLUMES};
pub use etcd::ETCD_OWN;
pub use render::Renderer;
pub use repair::{ConfigRepair, remove_gate, repair, repair_at, set_etcd_endpoints};

use podlift_model::KubeVersion;
use podlift_model::op::Component;
use serde_json::Value;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    #[error("ConfigMap kube-system/kubeadm-config: ClusterConfiguration is not readable YAML: {0}")]
    Yaml(String),
    #[error("ConfigMap kube-system/kubelet-config: kubelet is not readable: {0}")]
    Kubelet(String),
    #[error(
        "ConfigMap kube-system/kubeadm-config: apiVersion {0:?} is not known: expected kubeadm.k8s.io/v1beta3 or v1beta4"
    )]
    Version(String),
    #[error("ConfigMap kube-system/kubeadm-config: {field} is {found}, expected {expected}")]
    Shape { field: &'static str, found: String, expected: &'static str },
    #[error(
        "ConfigMap kube-system/kubeadm-config: --{flag} stands there more than once, v1beta3 has no place for that, and it can't be rewritten as v1beta4 because of {field}: take {field} out, or write the text anew with `kubeadm config migrate`"
    )]
    NoPlace { flag: String, field: &'static str },
}

/// A parsed ClusterConfiguration.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterConfiguration {
    value: Value,
    v1beta4: bool,
}

impl ClusterConfiguration {
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let value: Value = serde_saphyr::from_str(text).map_err(|e| ConfigError::Yaml(e.to_string()))?;
        let version = value.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
        let v1beta4 = match version {
            "kubeadm.k8s.io/v1beta4" => true,
            "kubeadm.k8s.io/v1beta3" => false,
            other => return Err(ConfigError::Version(other.into())),
        };
        Ok(Self { value, v1beta4 })
    }

    /// The text as sigs.k8s.io/yaml writes it: keys sorted, lists not indented.
    pub fn to_text(&self) -> Result<String, ConfigError> {
        canonical(&self.value)
    }

    pub fn kubernetes_version(&self) -> Option<KubeVersion> {
        self.value.get("kubernetesVersion")?.as_str()?.parse().ok()
    }

    /// `dns.disabled`, `proxy.disabled` (v1beta4; kubeadm 1.32.1 and later honour it on upgrade).
    pub fn addon_disabled(&self, addon: podlift_model::op::Addon) -> bool {
        let key = match addon {
            podlift_model::op::Addon::Coredns => "dns",
            podlift_model::op::Addon::KubeProxy => "proxy",
        };
        self.value.get(key).and_then(|v| v.get("disabled")).and_then(Value::as_bool).unwrap_or(false)
    }

    /// The extraArgs of a component as (name, value), in order, duplicates kept.
    pub fn extra_args(&self, component: Component) -> Vec<(String, String)> {
        arguments(self.value.get(section(component)).and_then(|s| s.get("extraArgs")))
    }
}

/// extraArgs in both forms: a map in v1beta3, a list in v1beta4.
fn arguments(args: Option<&Value>) -> Vec<(String, String)> {
    match args {
        Some(Value::Array(items)) => items.iter().filter_map(named_value).collect(),
        Some(Value::Object(map)) => map.iter().filter_map(|(k, v)| Some((k.clone(), scalar(v)?))).collect(),
        _ => vec![],
    }
}

/// The text as sigs.k8s.io/yaml writes it: keys sorted, lists not indented.
pub(crate) fn canonical(value: &Value) -> Result<String, ConfigError> {
    let mut options = serde_saphyr::SerializerOptions::default();
    (options.compact_list_indent, options.prefer_block_scalars) = (true, false);
    serde_saphyr::to_string_with_options(value, options).map_err(|e| ConfigError::Yaml(e.to_string()))
}

fn section(component: Component) -> &'static str {
    match component {
        Component::KubeApiserver => "apiServer",
        Component::KubeControllerManager => "controllerManager",
        Component::KubeScheduler => "scheduler",
    }
}

fn named_value(item: &Value) -> Option<(String, String)> {
    Some((item.get("name")?.as_str()?.to_string(), scalar(item.get("value")?)?))
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(s) => Some(s.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Null => Some(String::new()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests;
