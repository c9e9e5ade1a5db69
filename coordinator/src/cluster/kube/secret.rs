//! TLS secrets one by one. Their bytes are in no view, no log and no error; copies in memory are wiped when they go.

use super::api::{Api, ApiError};
use super::service::{Author, made_anew, written_by};
use crate::cluster::SecretCopy;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use podlift_engine::doors::{KeptSecret, SecretView};
use podlift_model::{Digest, Failure};
use serde_json::Value;
use zeroize::Zeroize as _;

/// Whether the secret exists, and which certificate it holds. The coordinator's keeper knows where a copy is.
pub(super) async fn read(api: &Api, namespace: &str, name: &str) -> Result<SecretView, Failure> {
    let found = api.find(&format!("/api/v1/namespaces/{namespace}/secrets/{name}")).await?;
    let exists = found.is_some();
    let sha256 = found.map(|mut object| {
        let digest = certificate(&object);
        wipe(&mut object);
        digest
    });
    Ok(SecretView { exists, sha256: sha256.flatten(), copy: None, kept: KeptSecret::Nowhere })
}

/// SHA-256 of `tls.crt`.
pub(crate) fn certificate(object: &Value) -> Option<Digest> {
    let text = object["data"]["tls.crt"].as_str()?;
    STANDARD.decode(text).ok().map(|bytes| Digest::of(&bytes))
}

/// Overwrites every text below `data` and `stringData`.
pub(crate) fn wipe(object: &mut Value) {
    for key in ["data", "stringData"] {
        let values = object.get_mut(key).and_then(Value::as_object_mut);
        for value in values.into_iter().flat_map(|map| map.values_mut()) {
            if let Value::String(text) = value {
                text.zeroize();
            }
        }
    }
}

/// Creates the secret. The API refuses a name that exists, so nothing can be overwritten.
pub(super) async fn create(api: &Api, copy: &SecretCopy) -> Result<String, Failure> {
    let (namespace, name) = (copy.namespace(), copy.name());
    let at = format!("/api/v1/namespaces/{namespace}/secrets?fieldManager=podlift");
    let error = match api.post_json(&at, copy.json()).await {
        Ok(_) => return Ok(format!("secret {namespace}/{name} created again")),
        Err(error) => error,
    };
    if !matches!(&error, ApiError::Status(s) if s.code == 409) {
        return Err(error.into());
    }
    match written_by(api, &format!("/api/v1/namespaces/{namespace}/secrets/{name}")).await? {
        Some(Author::Podlift) => Ok(format!("secret {namespace}/{name} was created again already")),
        Some(Author::Other) => Err(made_anew("secret", (namespace, name))),
        None => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_wiped_object_keeps_its_keys_and_no_byte() {
        let mut object = json!({"metadata": {"name": "ui-tls"}, "data": {"tls.crt": "Y2VydA==", "tls.key": "a2V5"}, "stringData": {"x": "y"}});
        assert_eq!(certificate(&object), Some(Digest::of(b"cert")));
        wipe(&mut object);
        assert_eq!(
            object,
            json!({"metadata": {"name": "ui-tls"}, "data": {"tls.crt": "", "tls.key": ""}, "stringData": {"x": ""}})
        );
        assert_eq!(certificate(&json!({"data": {"tls.crt": "%"}})), None);
        assert_eq!(certificate(&json!({})), None);
    }
}
