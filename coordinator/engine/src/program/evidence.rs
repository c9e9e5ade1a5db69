//! Why a step counts as done.

use super::Finding;
use crate::doors::BackupView;
use podlift_model::Digest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a step counts as done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "evidence")]
pub enum Evidence {
    Seen {
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
    /// Differences from before the run that are no reason to stop.
    Compared {
        what: String,
        findings: Vec<Finding>,
    },
}

impl Evidence {
    pub fn what(&self) -> &str {
        match self {
            Evidence::Seen { what }
            | Evidence::BackupSealed { what, .. }
            | Evidence::Compared { what, .. } => what,
        }
    }
}
