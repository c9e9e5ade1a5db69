//! A request taken apart: method, path, query, body; and the resource that a path names.

use crate::objects::Key;
use crate::objects::kinds::{self, Kind};
use bytes::Bytes;
use http::{Method, Request};
use serde_json::Value;

pub struct Call {
    pub method: Method,
    pub path: String,
    pub query: Vec<(String, String)>,
    pub content_type: String,
    pub accept: String,
    pub agent: String,
    pub body: Bytes,
}

impl Call {
    pub fn of(request: &Request<Bytes>) -> Self {
        let pairs = request.uri().query().unwrap_or_default().split('&').filter(|p| !p.is_empty());
        let query = pairs.map(|p| p.split_once('=').unwrap_or((p, ""))).map(|(k, v)| (decode(k), decode(v)));
        let header = |name| request.headers().get(name).and_then(|v| v.to_str().ok());
        let content = header(http::header::CONTENT_TYPE);
        let agent = header(http::header::USER_AGENT);
        Self {
            method: request.method().clone(),
            path: decode(request.uri().path()),
            query: query.collect(),
            content_type: content.unwrap_or_default().split(';').next().unwrap_or_default().into(),
            accept: header(http::header::ACCEPT).unwrap_or("*/*").into(),
            agent: agent.and_then(|a| a.split('/').next()).unwrap_or("unknown").to_string(),
            body: request.body().clone(),
        }
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(k, _)| k == name).map(|(_, v)| v.as_str())
    }

    pub fn flag(&self, name: &str) -> bool {
        matches!(self.get(name), Some("true" | "1" | ""))
    }

    /// Who writes: the field manager that is named, else the program.
    pub fn manager(&self) -> &str {
        self.get("fieldManager").unwrap_or(&self.agent)
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The body as JSON or, where it says so, YAML.
    pub fn object(&self) -> Result<Value, String> {
        match self.content_type.as_str() {
            "application/yaml" | "application/apply-patch+yaml" => {
                serde_saphyr::from_str(&String::from_utf8_lossy(&self.body))
                    .map_err(|e| format!("error decoding YAML: {e}"))
            }
            _ => serde_json::from_slice(&self.body)
                .map_err(|e| format!("couldn't get version/kind; json parse error: {e}")),
        }
    }

    pub fn dry_run(&self) -> bool {
        let in_body = |v: Value| v["dryRun"].is_array() || v["deleteOptions"]["dryRun"].is_array();
        self.get("dryRun").is_some() || in_body(self.json())
    }

    /// What the answer has to look like: the first wish of the Accept header that can be met.
    pub fn wants(&self) -> Wants {
        for wish in self.accept.split(',').map(|w| w.replace(' ', "")) {
            let mut parts = wish.split(';');
            let media = parts.next().unwrap_or_default();
            let parts: Vec<&str> = parts.collect();
            if !matches!(media, "application/json" | "*/*" | "application/*") {
                continue;
            }
            match parts.iter().find_map(|p| p.strip_prefix("as=")) {
                None => return Wants::Object,
                Some(_) if !parts.contains(&"v=v1") || !parts.contains(&"g=meta.k8s.io") => {}
                Some("Table") => return Wants::Table,
                Some("PartialObjectMetadata" | "PartialObjectMetadataList") => return Wants::Metadata,
                Some(_) => {}
            }
        }
        Wants::Other
    }

    pub fn accepts_aggregated(&self) -> bool {
        self.accept.split(',').any(|w| {
            let parts: Vec<&str> = w.trim().split(';').collect();
            parts[0] == "application/json"
                && parts.contains(&"as=APIGroupDiscoveryList")
                && parts.contains(&"v=v2")
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wants {
    Object,
    Table,
    Metadata,
    /// Nothing that this server can write.
    Other,
}

fn decode(text: &str) -> String {
    let mut out = vec![];
    let bytes = text.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        let hex = text.get(i + 1..i + 3).and_then(|h| u8::from_str_radix(h, 16).ok());
        match (bytes[i], hex) {
            (b'%', Some(byte)) => {
                out.push(byte);
                i += 3;
            }
            (b'+', _) => {
                out.push(b' ');
                i += 1;
            }
            (byte, _) => {
                out.push(byte);
                i += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

pub struct Target {
    pub kind: &'static Kind,
    /// Empty: all namespaces, or a resource without.
    pub namespace: String,
    /// Empty: the collection.
    pub name: String,
    pub subresource: Option<String>,
}

impl Target {
    pub fn of(path: &str) -> Option<Self> {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let (group, version, rest) = match parts.as_slice() {
            ["api", version, rest @ ..] => ("", *version, rest),
            ["apis", group, version, rest @ ..] => (*group, *version, rest),
            _ => return None,
        };
        let (namespace, rest) = match rest {
            ["namespaces", name, sub @ ("status" | "finalize")] => return Self::sub("namespaces", name, sub),
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (*namespace, rest),
            rest => ("", rest),
        };
        let (resource, name, subresource) = match rest {
            [resource] => (*resource, "", None),
            [resource, name] => (*resource, *name, None),
            [resource, name, sub] => (*resource, *name, Some((*sub).to_string())),
            _ => return None,
        };
        let kind =
            kinds::find(group, version, resource).or_else(|| kinds::custom(group, version, resource))?;
        let plain = !kind.is_subresource() && (kind.namespaced || namespace.is_empty());
        plain.then_some(())?;
        Some(Self { kind, namespace: namespace.into(), name: name.into(), subresource })
    }

    fn sub(resource: &str, name: &str, sub: &str) -> Option<Self> {
        let kind = kinds::find("", "v1", resource)?;
        Some(Self { kind, namespace: String::new(), name: name.into(), subresource: Some(sub.into()) })
    }

    /// The same collection, this object.
    pub fn named(&self, name: &str) -> Self {
        Self { kind: self.kind, namespace: self.namespace.clone(), name: name.into(), subresource: None }
    }

    pub fn key(&self) -> Key {
        Key::new(self.kind.group, self.kind.resource, &self.namespace, &self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let show = |path| Target::of(path).map(|t| (t.kind.resource, t.namespace, t.name, t.subresource));
        let s = String::from;
        assert_eq!(show("/api/v1/nodes"), Some(("nodes", s(""), s(""), None)));
        assert_eq!(show("/api/v1/namespaces/a"), Some(("namespaces", s(""), s("a"), None)));
        assert_eq!(
            show("/api/v1/namespaces/a/pods/b/eviction"),
            Some(("pods", s("a"), s("b"), Some(s("eviction"))))
        );
        assert_eq!(
            show("/apis/policy/v1/poddisruptionbudgets"),
            Some(("poddisruptionbudgets", s(""), s(""), None))
        );
        assert_eq!(
            show("/api/v1/namespaces/a/status"),
            Some(("namespaces", s(""), s("a"), Some(s("status"))))
        );
        assert_eq!(show("/api/v1/namespaces/a/nodes"), None, "nodes have no namespace");
        assert_eq!(show("/apis/operator.example.com/v1/installations"), None);
        assert_eq!(
            show("/apis/operator.tigera.io/v1/installations"),
            Some(("installations", s(""), s(""), None))
        );
        assert_eq!(decode("a%3Db%2Fc+d%"), "a=b/c d%");
    }
}
