//! What objects of any kind have in common, reduced to the fields that podlift reads.

use crate::cluster::kube::pages::or_default;
use jiff::Timestamp;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::cluster::kube) struct Meta {
    pub namespace: String,
    pub name: String,
    pub uid: String,
    pub resource_version: String,
    pub generation: i64,
    pub labels: Option<BTreeMap<String, String>>,
    pub annotations: Option<BTreeMap<String, String>>,
    #[serde(deserialize_with = "or_default")]
    pub owner_references: Vec<OwnerReference>,
    #[serde(deserialize_with = "or_default")]
    pub managed_fields: Vec<ManagedField>,
    pub creation_timestamp: Option<Timestamp>,
    pub deletion_timestamp: Option<Timestamp>,
    pub deletion_grace_period_seconds: Option<i64>,
    #[serde(deserialize_with = "or_default")]
    pub finalizers: Vec<String>,
}

/// The manager that wrote an object, or its status.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::cluster::kube) struct ManagedField {
    pub manager: String,
    pub subresource: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::cluster::kube) struct OwnerReference {
    pub kind: String,
    pub name: String,
    pub controller: bool,
}

/// A condition in the status of an object.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::cluster::kube) struct Condition {
    #[serde(rename = "type")]
    pub kind: String,
    pub status: String,
    pub reason: String,
    pub message: String,
}

impl Meta {
    pub fn label(&self, key: &str) -> Option<&String> {
        self.labels.as_ref()?.get(key)
    }

    pub fn annotation(&self, key: &str) -> Option<&String> {
        self.annotations.as_ref()?.get(key)
    }

    /// When its deletion was requested; the timestamp of the object is the end of the grace period.
    pub fn deleted_since(&self) -> Option<Timestamp> {
        let grace = self.deletion_grace_period_seconds.unwrap_or_default().max(0);
        Some(self.deletion_timestamp? - jiff::SignedDuration::from_secs(grace))
    }

    pub fn controller(&self) -> Option<&OwnerReference> {
        self.owner_references.iter().find(|o| o.controller)
    }
}
