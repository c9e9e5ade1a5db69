//! Why a step counts as done.

use super::Finding;
use crate::doors::BackupView;
use crate::validate::Validation;
use podlift_model::{Digest, NodeName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a step counts as done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "evidence")]
pub enum Evidence {
    Seen {
        what: String,
    },
    /// Only a part could be judged. The line of the sign-off stays open.
    Partly {
        what: String,
    },
    BackupSealed {
        hash: Digest,
        revision: u64,
        what: String,
        /// The backup set on the coordinator.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        backup: Option<Box<BackupView>>,
    },
    /// The fleet was verified.
    Fleet {
        what: String,
        /// Nodes that joined since the plan was made, and are no part of the run.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        added: Vec<NodeName>,
    },
    /// Differences from before the run that are no reason to stop.
    Compared {
        what: String,
        findings: Vec<Finding>,
    },
    /// The cluster was validated after the run.
    Validated {
        what: String,
        validation: Box<Validation>,
    },
}

impl Evidence {
    pub fn what(&self) -> &str {
        match self {
            Evidence::Seen { what }
            | Evidence::Partly { what }
            | Evidence::Fleet { what, .. }
            | Evidence::BackupSealed { what, .. }
            | Evidence::Compared { what, .. }
            | Evidence::Validated { what, .. } => what,
        }
    }
}
