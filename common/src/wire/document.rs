//! Documents: JSON of a named kind, for observations and views.

use super::WireError;
use podlift_proto::v1::Document;
use serde::{Serialize, de::DeserializeOwned};

/// `kind` is `podlift.NAME/vN`.
pub fn to_document<T: Serialize>(kind: &str, value: &T) -> Document {
    let json = serde_json::to_string(value).unwrap_or_else(|e| format!("{{\"unrepresentable\":\"{e}\"}}"));
    Document { kind: kind.into(), json }
}

pub fn from_document<T: DeserializeOwned>(kind: &str, document: Option<&Document>) -> Result<T, WireError> {
    from_renamed_document(kind, kind, document)
}

/// Reads a document that may still have its older name.
pub fn from_renamed_document<T: DeserializeOwned>(
    kind: &str,
    older: &str,
    document: Option<&Document>,
) -> Result<T, WireError> {
    let document = document.ok_or_else(|| WireError::missing("document"))?;
    if document.kind != kind && document.kind != older {
        return Err(WireError::new("document.kind", format!("{:?}, expected {kind:?}", document.kind)));
    }
    serde_json::from_str(&document.json).map_err(|e| WireError::new("document.json", e))
}
