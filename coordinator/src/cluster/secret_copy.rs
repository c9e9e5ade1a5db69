//! A TLS secret in memory, as it is created again. It is wiped when the value goes, and prints no byte of itself.

use podlift_model::{Digest, Failure};
use serde_json::Value;
use std::fmt;
use zeroize::Zeroizing;

#[derive(Clone)]
pub struct SecretCopy {
    namespace: String,
    name: String,
    json: Zeroizing<Vec<u8>>,
}

/// Largest secret that the API takes.
const LIMIT: usize = 1 << 20;

/// Code of a failure to read a copy.
const BAD_COPY: &str = "bad-copy";

impl SecretCopy {
    /// A cleaned object of the API. `None` if it has no namespace or no name.
    pub(crate) fn of(object: &Value) -> Option<Self> {
        let text = |key: &str| object["metadata"][key].as_str().filter(|t| !t.is_empty()).map(String::from);
        let json = Zeroizing::new(serde_json::to_vec(object).ok()?);
        Some(Self { namespace: text("namespace")?, name: text("name")?, json })
    }

    /// JSON that a person sends. It has to be the Secret of this name and of type kubernetes.io/tls.
    pub(crate) fn sent(namespace: &str, name: &str, json: Zeroizing<Vec<u8>>) -> Result<Self, Failure> {
        let bad = |why: String| {
            Failure::operator(BAD_COPY, format!("secret {namespace}/{name} is not restored: {why}"))
        };
        if json.len() > LIMIT {
            return Err(bad(format!("{} bytes, expected at most {LIMIT}", json.len())));
        }
        // The parser's own text may repeat a part of the input.
        let mut object: Value = serde_json::from_slice(&json)
            .map_err(|e| bad(format!("line {} of the object is no JSON", e.line())))?;
        let checked = expected(&object, namespace, name).map_err(bad);
        let cleaned = podlift_engine::issues::raw::cleaned_secret(&object).map_err(|e| {
            Failure::operator(BAD_COPY, format!("secret {namespace}/{name} is not restored: {e}"))
        });
        super::kube::wipe(&mut object);
        checked?;
        let mut cleaned = cleaned?;
        let copy = Self::of(&cleaned);
        super::kube::wipe(&mut cleaned);
        copy.ok_or_else(|| {
            Failure::operator(BAD_COPY, format!("secret {namespace}/{name} is not restored: it has no name"))
        })
    }

    /// SHA-256 of `tls.crt`.
    pub(crate) fn certificate(&self) -> Option<Digest> {
        let mut object: Value = serde_json::from_slice(&self.json).ok()?;
        let digest = super::kube::certificate(&object);
        super::kube::wipe(&mut object);
        digest
    }

    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// The object as the API takes it.
    pub(crate) fn json(&self) -> &[u8] {
        &self.json
    }
}

/// The error names field, value and what was expected, and no value of `data`.
fn expected(object: &Value, namespace: &str, name: &str) -> Result<(), String> {
    for (field, value, want) in [
        ("kind", &object["kind"], "Secret"),
        ("type", &object["type"], "kubernetes.io/tls"),
        ("metadata.namespace", &object["metadata"]["namespace"], namespace),
        ("metadata.name", &object["metadata"]["name"], name),
    ] {
        if value.as_str() != Some(want) {
            let value = value.as_str().map_or("missing".to_string(), |text| format!("{text:?}"));
            return Err(format!("{field} is {value}, expected {want:?}"));
        }
    }
    for key in ["tls.crt", "tls.key"] {
        if object["data"][key].as_str().is_none_or(str::is_empty) {
            return Err(format!("data has no {key}, expected a certificate and its key"));
        }
    }
    Ok(())
}

impl fmt::Debug for SecretCopy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "secret {}/{}", self.namespace, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn sent(object: &Value) -> Result<SecretCopy, String> {
        let json = Zeroizing::new(serde_json::to_vec(object).unwrap());
        SecretCopy::sent("runai", "ui-tls", json).map_err(|f| f.message)
    }

    fn object() -> Value {
        json!({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
            "metadata": {"namespace": "runai", "name": "ui-tls", "uid": "u", "resourceVersion": "7"},
            "data": {"tls.crt": "Y2VydA==", "tls.key": "c2VjcmV0LWtleQ=="}})
    }

    #[test]
    fn the_secret_that_a_person_sends_is_cleaned_and_prints_nothing() {
        let copy = sent(&object()).unwrap();
        let again: Value = serde_json::from_slice(copy.json()).unwrap();
        assert_eq!(again["metadata"].get("uid"), None);
        assert_eq!(again["data"]["tls.key"], "c2VjcmV0LWtleQ==");
        assert_eq!(format!("{copy:?}"), "secret runai/ui-tls");
    }

    #[test]
    fn a_wrong_secret_is_refused_by_field_and_without_its_bytes() {
        let with = |pointer: &str, value: Value| {
            let mut object = object();
            *object.pointer_mut(pointer).unwrap() = value;
            sent(&object).unwrap_err()
        };
        for (pointer, value, want) in [
            ("/kind", json!("ConfigMap"), "kind is \"ConfigMap\", expected \"Secret\""),
            ("/type", json!("Opaque"), "type is \"Opaque\", expected \"kubernetes.io/tls\""),
            ("/metadata/name", json!("other"), "metadata.name is \"other\", expected \"ui-tls\""),
            ("/metadata/namespace", json!(null), "metadata.namespace is missing, expected \"runai\""),
            ("/data/tls.key", json!(""), "data has no tls.key"),
        ] {
            let error = with(pointer, value);
            assert!(error.contains(want) && !error.contains("Y2VydA"), "{error}");
        }
        let garbage = SecretCopy::sent("runai", "ui-tls", Zeroizing::new(b"hunter2".to_vec())).unwrap_err();
        assert!(!garbage.message.contains("hunter2"), "{}", garbage.message);
    }
}
