//! The token of a list's next page: base64 of JSON, opaque to clients (`k8s.io/apiserver/pkg/storage/continue.go`).

use super::route::Target;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// u64::MAX is -1: whatever is newest.
    pub version: u64,
    /// (namespace, name) from which on.
    pub start: (String, String),
}

impl Token {
    pub fn text(&self, target: &Target) -> String {
        let (namespace, name) = &self.start;
        let start = match (target.kind.namespaced, target.namespace.is_empty()) {
            (true, true) => format!("{namespace}/{name}"),
            (true, false) => format!("/{name}"),
            (false, _) => name.clone(),
        };
        let version = if self.version == u64::MAX { json!(-1) } else { json!(self.version) };
        let fields = json!({"v": "meta.k8s.io/v1", "rv": version, "start": start});
        URL_SAFE_NO_PAD.encode(fields.to_string())
    }

    pub fn read(text: &str, target: &Target) -> Option<Self> {
        let fields: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        (fields["v"] == "meta.k8s.io/v1").then_some(())?;
        let start = fields["start"].as_str()?;
        let start = match (target.kind.namespaced, target.namespace.is_empty()) {
            (true, true) => start.split_once('/').map(|(a, b)| (a.to_string(), b.to_string()))?,
            (true, false) => (target.namespace.clone(), start.strip_prefix('/')?.to_string()),
            (false, _) => (String::new(), start.to_string()),
        };
        let version = if fields["rv"] == -1 { u64::MAX } else { fields["rv"].as_u64()? };
        Some(Self { version, start })
    }
}
