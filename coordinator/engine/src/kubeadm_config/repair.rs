//! Repairs the root cause: restores etcd endpoints from what runs, and removes gates that must go. Every change is by name, and the
//! resulting text differs in nothing else.

use super::extra::{set_arg, set_env};
use super::{ClusterConfiguration, ConfigError, section};
use podlift_model::command::normal;
use podlift_model::op::{Component, PatchName};
use podlift_model::{KubeVersion, NodeName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// One change to the input of kubeadm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "repair")]
pub enum ConfigRepair {
    SetEtcdEndpoints {
        endpoints: Vec<String>,
    },
    RemoveGate {
        component: Component,
        gate: String,
    },
    /// Makes `extraArgs` render a flag as it runs.
    SetArg {
        component: Component,
        name: String,
        values: Vec<String>,
    },
    /// Makes `extraEnvs` (v1beta4) render an environment entry as it runs.
    SetEnv {
        component: Component,
        name: String,
        value: String,
    },
    /// Sets `kubernetesVersion` to the version that runs.
    SetVersion {
        version: KubeVersion,
    },
    /// Sets a key of ConfigMap kubelet-config, outside of ClusterConfiguration.
    SetKubelet {
        key: String,
        value: Value,
    },
    /// Writes a file for `kubeadm --patches` on these nodes, outside of ClusterConfiguration.
    Patch {
        file: PatchName,
        nodes: Vec<NodeName>,
    },
}

impl ConfigRepair {
    /// Whether the repair is taken from the plan as it is. Endpoints and gates are not: each look judges them again.
    pub fn is_kept(&self) -> bool {
        matches!(self, Self::SetArg { .. } | Self::SetEnv { .. } | Self::SetVersion { .. })
    }

    /// Whether it changes ConfigMap kubeadm-config.
    pub fn is_of_kubeadm(&self) -> bool {
        !matches!(self, Self::SetKubelet { .. } | Self::Patch { .. })
    }
}

/// Applies the repairs to the text; the rest stays as it was.
pub fn repair(text: &str, repairs: &[ConfigRepair]) -> Result<String, ConfigError> {
    repair_at(text, repairs, None)
}

/// The same, and sets `kubernetesVersion` too, for a cluster whose kubeadm has already written that version.
pub fn repair_at(
    text: &str,
    repairs: &[ConfigRepair],
    version: Option<KubeVersion>,
) -> Result<String, ConfigError> {
    let mut config = ClusterConfiguration::parse(text)?;
    for change in repairs {
        match change {
            ConfigRepair::SetEtcdEndpoints { endpoints } => set_etcd_endpoints(&mut config, endpoints)?,
            ConfigRepair::RemoveGate { component, gate } => remove_gate(&mut config, *component, gate),
            ConfigRepair::SetArg { component, name, values } => {
                set_arg(&mut config, *component, name, values)?
            }
            ConfigRepair::SetEnv { component, name, value } => set_env(&mut config, *component, name, value),
            ConfigRepair::SetVersion { version } => set_version(&mut config, *version),
            ConfigRepair::SetKubelet { .. } | ConfigRepair::Patch { .. } => {}
        }
    }
    if let Some(version) = version {
        set_version(&mut config, version);
    }
    let repaired = config.to_text()?;
    match ClusterConfiguration::parse(&repaired)? == config {
        true => Ok(repaired),
        false => Err(ConfigError::Yaml("the repaired text does not read back as what was meant".into())),
    }
}

fn set_version(config: &mut ClusterConfiguration, version: KubeVersion) {
    if let Value::Object(fields) = &mut config.value {
        fields.insert("kubernetesVersion".into(), json!(version.to_string()));
    }
}

/// Sets `etcd.external.endpoints`, and drops an `etcd-servers` from the API server's extraArgs, which would override it.
pub fn set_etcd_endpoints(
    config: &mut ClusterConfiguration,
    endpoints: &[String],
) -> Result<(), ConfigError> {
    edit_args(config, Component::KubeApiserver, |name, value| {
        (normal(name) != "etcd-servers").then(|| value.to_string())
    });
    let shape = |found: &Value| ConfigError::Shape {
        field: "etcd.external",
        found: found.to_string(),
        expected: "a mapping: podlift repairs endpoints of an external etcd only",
    };
    let external = config.value.get_mut("etcd").and_then(|e| e.get_mut("external"));
    match external {
        Some(Value::Object(map)) => {
            map.insert("endpoints".into(), json!(endpoints));
            Ok(())
        }
        other => Err(shape(other.as_deref().unwrap_or(&Value::Null))),
    }
}

/// Removes one gate from a component's `feature-gates`. The argument is removed only if its list becomes empty.
pub fn remove_gate(config: &mut ClusterConfiguration, component: Component, gate: &str) {
    edit_args(config, component, |name, value| {
        if normal(name) != "feature-gates" {
            return Some(value.to_string());
        }
        let is_it = |item: &&str| podlift_model::flags::parse_gate(item).is_some_and(|(n, _)| n == gate);
        let left: Vec<&str> = value.split(',').filter(|item| !is_it(item)).collect();
        (!left.is_empty()).then(|| left.join(","))
    });
}

/// Rewrites or drops arguments. extraArgs that become empty are removed, because kubeadm would omit them too.
fn edit_args(
    config: &mut ClusterConfiguration,
    component: Component,
    edit: impl Fn(&str, &str) -> Option<String>,
) {
    let before = config.extra_args(component);
    let after: Vec<(String, String)> =
        before.iter().filter_map(|(name, value)| Some((name.clone(), edit(name, value)?))).collect();
    if before == after {
        return;
    }
    let list = after.iter().map(|(name, value)| json!({"name": name, "value": value}));
    let map = after.iter().map(|(name, value)| (name.clone(), json!(value)));
    let args = if config.v1beta4 { Value::Array(list.collect()) } else { Value::Object(map.collect()) };
    if let Some(Value::Object(fields)) = config.value.get_mut(section(component)) {
        match after.is_empty() {
            true => drop(fields.remove("extraArgs")),
            false => drop(fields.insert("extraArgs".into(), args)),
        }
    }
}
