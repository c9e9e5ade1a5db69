//! The Helm release that owns an object.

use podlift_engine::issues::helm;
use serde_json::Value;

/// `namespace/name`; `None` if the object names no release.
pub(in super::super) fn of(object: &Value) -> Option<String> {
    helm::release(object).map(|release| format!("{}/{}", release.namespace, release.name))
}
