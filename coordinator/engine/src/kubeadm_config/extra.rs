//! Environment and volumes that ClusterConfiguration adds to a component's manifest, and the two edits that add something.

use super::{ClusterConfiguration, ConfigError, section};
use podlift_model::command::{Kind, kind, normal};
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

    /// Whether this version of ClusterConfiguration can express environment.
    pub fn has_envs(&self) -> bool {
        self.v1beta4
    }

    fn names(&self, component: Component, list: &str) -> Vec<String> {
        let items = self.value.get(section(component)).and_then(|s| s.get(list)).and_then(Value::as_array);
        items.into_iter().flatten().filter_map(|i| Some(i.get("name")?.as_str()?.to_string())).collect()
    }

    /// The component's section; it is made if it is absent.
    fn section(&mut self, component: Component) -> Option<&mut Map<String, Value>> {
        let root = self.value.as_object_mut()?;
        let entry = root.entry(section(component)).or_insert(Value::Null);
        if entry.is_null() {
            *entry = json!({});
        }
        entry.as_object_mut()
    }
}

/// Makes an argument have exactly these values; the others stay unchanged and in place. Only v1beta4 can express a repeated flag. For such
/// a flag the text becomes v1beta4, if nothing else of it would be lost.
pub fn set_arg(
    config: &mut ClusterConfiguration,
    component: Component,
    name: &str,
    values: &[String],
) -> Result<(), ConfigError> {
    let before = config.extra_args(component);
    let is_it = |n: &str| normal(n) == normal(name);
    let wanted = written(name, values, config.v1beta4);
    if before.iter().filter(|(n, _)| is_it(n)).map(|(_, v)| v).eq(&wanted) {
        return Ok(());
    }
    if wanted.len() > 1 {
        config.make_v1beta4(name)?;
    }
    let mut after: Vec<(String, String)> = before.into_iter().filter(|(n, _)| !is_it(n)).collect();
    after.extend(wanted.into_iter().map(|value| (name.to_string(), value)));
    let args: Value = match config.v1beta4 {
        true => after.into_iter().map(|(name, value)| json!({"name": name, "value": value})).collect(),
        false => Value::Object(after.into_iter().map(|(name, value)| (name, json!(value))).collect()),
    };
    if let Some(fields) = config.section(component) {
        fields.insert("extraArgs".into(), args);
    }
    Ok(())
}

/// The values in the form of extraArgs. They are joined by commas only if all uses are one list: one issuer `a,b` would break every token.
fn written(name: &str, values: &[String], v1beta4: bool) -> Vec<String> {
    match kind(&normal(name)) {
        Some(Kind::Single | Kind::Bool) => values.last().cloned().into_iter().collect(),
        Some(Kind::Set | Kind::List) if !v1beta4 => vec![values.join(",")],
        _ => values.to_vec(),
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
