//! Conditions: something that was seen. None of them is a time.

use crate::world::{Effect, What, Writer};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum When {
    /// Something in the World happens; what hangs on it happens at that very moment.
    Effect(EffectSeen),
    /// A record of the journal, as `podlift events --follow` shows it.
    Journal(RecordSeen),
    /// A file of a node is so.
    File(FileSeen),
    /// A manifest of a node has its text from this writer.
    Writer { node: String, file: String, by: Writer },
    /// The API server of a node serves from the etcd at this client port.
    Store { node: String, port: u16 },
    /// The newest container of a static pod of a node listens.
    Listens { node: String, component: String },
    /// The API server of a node serves, or does not.
    Api { node: String, serves: bool },
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct EffectSeen {
    /// As in the audit: `manifest-rename`, `package-install`, `kubeadm-node`…
    pub kind: String,
    pub node: Option<String>,
    /// Its fields.
    #[serde(default)]
    pub with: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RecordSeen {
    pub event: String,
    pub step: Option<String>,
    pub node: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FileSeen {
    pub node: String,
    pub path: String,
    pub has: String,
}

impl EffectSeen {
    pub fn matches(&self, effect: &Effect) -> bool {
        matches(&effect.what, &self.kind, &self.with) && self.node.as_ref().is_none_or(|n| *n == effect.node)
    }
}

/// A name alone, or a name with fields.
pub fn matches(what: &What, kind: &str, with: &BTreeMap<String, String>) -> bool {
    match serde_json::to_value(what).unwrap_or_default() {
        Value::String(name) => name == kind && with.is_empty(),
        Value::Object(all) => all.get(kind).is_some_and(|fields| {
            let text =
                |name: &String| fields[name].as_str().map_or_else(|| fields[name].to_string(), String::from);
            let is = |(name, value): (&String, &String)| text(name) == *value;
            with.iter().all(is)
        }),
        _ => false,
    }
}

impl RecordSeen {
    pub fn matches(&self, record: &Value) -> bool {
        let is = |key: &str, want: &Option<String>| want.as_ref().is_none_or(|w| record[key] == w.as_str());
        record["event"] == self.event.as_str() && is("step", &self.step) && is("node", &self.node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effects_by_name_and_fields() {
        let rename = What::ManifestRename { file: "kube-apiserver.yaml".into() };
        let with = |file: &str| BTreeMap::from([("file".to_string(), file.to_string())]);
        assert!(matches(&rename, "manifest-rename", &with("kube-apiserver.yaml")));
        assert!(!matches(&rename, "manifest-rename", &with("kube-scheduler.yaml")));
        assert!(!matches(&rename, "kubelet-config", &BTreeMap::new()));
        assert!(matches(&What::KubeletConfig, "kubelet-config", &BTreeMap::new()));
        let waited = What::KubeadmWaited { component: "kube-apiserver".into(), own: false };
        assert!(matches(&waited, "kubeadm-waited", &BTreeMap::from([("own".into(), "false".into())])));
    }

    #[test]
    fn records_by_what_is_asked_for() {
        let seen = RecordSeen { event: "step-done".into(), step: Some("a/b".into()), node: None };
        assert!(seen.matches(&serde_json::json!({"event": "step-done", "step": "a/b"})));
        assert!(!seen.matches(&serde_json::json!({"event": "step-done", "step": "a/c"})));
    }
}
