//! Counts of the probes of API endpoints.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a probe asks of an API endpoint, each time over a fresh connection, but for the watch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProbeKind {
    /// Reads an object.
    #[default]
    Read,
    /// Patches a ConfigMap with dryRun=All, so that nothing is stored.
    Write,
    /// Holds one watch open; a request is one opening of it.
    Watch,
}

impl ProbeKind {
    pub(crate) fn is_read(&self) -> bool {
        *self == Self::Read
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Watch => "watch",
        }
    }
}

/// Counts of the probes of one kind at one API endpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Probed {
    pub requests: u64,
    pub failed: u64,
    /// Longest time between two reads that succeeded with a failure in between, milliseconds.
    pub longest_gap_ms: u64,
    /// Reason of the last failure; empty if none failed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}

impl Probed {
    pub fn add(&mut self, more: &Probed) {
        self.requests += more.requests;
        self.failed += more.failed;
        self.longest_gap_ms = self.longest_gap_ms.max(more.longest_gap_ms);
        if !more.why.is_empty() {
            self.why.clone_from(&more.why);
        }
    }
}
