//! Who deleted an object, by the audit log of an API server on its own node.

use crate::ids::{Namespace, ObjectName};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Kinds of objects whose deletion can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DeletedKind {
    Services,
    Secrets,
}

// The names are those of the API's resources.
crate::op::names!(DeletedKind { Services = "services", Secrets = "secrets" });

/// One object of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct DeletedObject {
    pub kind: DeletedKind,
    pub namespace: Namespace,
    pub name: ObjectName,
}

impl fmt::Display for DeletedObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
    }
}

/// What the audit log of one API server has of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeletionState {
    /// Path of the log on the node; `None` if this API server writes none to a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
    /// Time of the oldest request that was read; `None` if none was. An earlier deletion is not found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// The newest deletion that succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<Deletion>,
}

/// One request of a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Deletion {
    pub at: Timestamp,
    /// `system:serviceaccount:…`, or a name of a certificate.
    pub user: String,
    /// The client program as it calls itself: `kubectl/v1.32.9 (linux/amd64)`.
    pub agent: String,
    /// `delete`, or `deletecollection` for all of a namespace.
    pub verb: String,
}
