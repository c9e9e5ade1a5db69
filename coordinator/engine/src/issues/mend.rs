//! The repairs that podlift makes of issues, each a step of a run or an act of the sentinel.

use super::IssueName;
use crate::doors::RolloutKind;
use crate::program::Item;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "mend")]
pub enum Mend {
    RestoreService { namespace: String, name: String },
    RestoreSecret { namespace: String, name: String },
    RestartRollout { kind: RolloutKind, namespace: String, name: String },
    RemoveOperator,
}

impl Mend {
    /// The object as sightings and events name it.
    pub fn object(&self) -> String {
        match self {
            Self::RestoreService { namespace, name } => format!("service {namespace}/{name}"),
            Self::RestoreSecret { namespace, name } => format!("secret {namespace}/{name}"),
            Self::RestartRollout { kind, namespace, name } => format!("{} {namespace}/{name}", kind.name()),
            Self::RemoveOperator => "deployment tigera-operator/tigera-operator".into(),
        }
    }

    /// The item that a person may have to approve before it.
    pub fn item(&self) -> Item {
        match self {
            Self::RestoreService { .. } => Item::ServiceRestore,
            Self::RestoreSecret { .. } => Item::SecretRestore,
            Self::RestartRollout { .. } => Item::RunaiRestart,
            Self::RemoveOperator => Item::TigeraRemoval,
        }
    }

    pub fn issue(&self) -> IssueName {
        match self {
            Self::RestoreService { .. } => IssueName::LoadBalancers,
            Self::RestoreSecret { .. } | Self::RestartRollout { .. } => IssueName::IngressTls,
            Self::RemoveOperator => IssueName::CalicoOperator,
        }
    }
}
