//! Metadata of any object, reduced to the fields that podlift reads.

use crate::cluster::kube::pages::or_default;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Meta {
    pub namespace: String,
    pub name: String,
    pub generation: i64,
    pub labels: Option<BTreeMap<String, String>>,
    pub annotations: Option<BTreeMap<String, String>>,
    #[serde(deserialize_with = "or_default")]
    pub owner_references: Vec<OwnerReference>,
    #[serde(deserialize_with = "or_default")]
    pub managed_fields: Vec<ManagedField>,
}

/// The manager that wrote an object, or its status.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ManagedField {
    pub manager: String,
    pub subresource: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct OwnerReference {
    pub kind: String,
    pub name: String,
    pub controller: bool,
}

impl Meta {
    pub fn label(&self, key: &str) -> Option<&String> {
        self.labels.as_ref()?.get(key)
    }

    pub fn annotation(&self, key: &str) -> Option<&String> {
        self.annotations.as_ref()?.get(key)
    }

    pub fn controller(&self) -> Option<&OwnerReference> {
        self.owner_references.iter().find(|o| o.controller)
    }
}
