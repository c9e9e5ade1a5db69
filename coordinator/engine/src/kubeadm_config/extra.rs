//! Environment and volumes that ClusterConfiguration adds to a component's manifest, and the two edits that put something there.

use super::{ClusterConfiguration, section};
use podlift_model::op::Component;
use serde_json::{Map, Value, json};

impl ClusterConfiguration {
    /// Names of `extraEnvs` (v1beta4 only).
    pub fn extra_envs(&self, component: Component) -> Vec<String> {
        self.names(component, "extraEnvs")
    }

    /// Names of `extraVolumes`.
    pub fn extra_volumes(&self, component: Component) -> Vec<String> {
        self.names(component, "extraVolumes")
    }

    /// Environment has a place in this version of ClusterConfiguration.
    pub fn has_envs(&self) -> bool {
        self.v1beta4
    }

    fn names(&self, component: Component, list: &str) -> Vec<String> {
        let items = self.value.get(section(component)).and_then(|s| s.get(list)).and_then(Value::as_array);
        items.into_iter().flatten().filter_map(|i| Some(i.get("name")?.as_str()?.to_string())).collect()
    }

    /// The component's section, made where it is absent.
    fn section(&mut self, component: Component) -> Option<&mut Map<String, Value>> {
        let root = self.value.as_object_mut()?;
        let entry = root.entry(section(component)).or_insert(Value::Null);
        if entry.is_null() {
            *entry = json!({});
        }
        entry.as_object_mut()
    }
}

/// Makes an argument have exactly these values; the others stay as and where they are.
pub fn set_arg(config: &mut ClusterConfiguration, component: Component, name: &str, values: &[String]) {
    let before = config.extra_args(component);
    let mine = before.iter().filter(|(n, _)| n == name).map(|(_, v)| v);
    if mine.eq(values) {
        return;
    }
    let mut after: Vec<(String, String)> = before.into_iter().filter(|(n, _)| n != name).collect();
    let args: Value = match config.v1beta4 {
        true => {
            after.extend(values.iter().map(|v| (name.to_string(), v.clone())));
            after.into_iter().map(|(name, value)| json!({"name": name, "value": value})).collect()
        }
        false => {
            after.push((name.to_string(), values.join(",")));
            Value::Object(after.into_iter().map(|(name, value)| (name, json!(value))).collect())
        }
    };
    if let Some(fields) = config.section(component) {
        fields.insert("extraArgs".into(), args);
    }
}

/// Makes `extraEnvs` have this entry.
pub fn set_env(config: &mut ClusterConfiguration, component: Component, name: &str, value: &str) {
    if let Some(fields) = config.section(component) {
        let list = fields.entry("extraEnvs").or_insert(Value::Null);
        let mut items = list.as_array().cloned().unwrap_or_default();
        items.retain(|i| i.get("name").and_then(Value::as_str) != Some(name));
        items.push(json!({"name": name, "value": value}));
        *list = Value::Array(items);
    }
}
