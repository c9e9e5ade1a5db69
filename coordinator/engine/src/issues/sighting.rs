//! One sighting of an issue: the object, the evidence, who changed it, and what follows.

use super::{IssueName, Mend};
use crate::program::Severity;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sighting {
    pub issue: IssueName,
    /// What it is about: `service runai/runai-proxy`, `secret runai/tls`, `node runai-01`.
    pub object: String,
    /// `None` if the begin is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// What is wrong, in a sentence.
    pub what: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Fact>,
    /// Who changed the object; `None` if nothing names a writer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Writer>,
    pub severity: Severity,
    /// The repair that podlift can make; `None` if a person has to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mend: Option<Mend>,
    /// The next command.
    pub next: String,
}

/// One thing that was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fact {
    pub what: String,
    /// Where it was read: an endpoint, an object or a log.
    pub source: String,
}

impl Fact {
    pub fn new(what: impl Into<String>, source: impl Into<String>) -> Self {
        Self { what: what.into(), source: source.into() }
    }
}

/// Who changed or deleted an object, as far as the cluster shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Writer {
    /// A field manager, the reporter of an event, or a user of the audit log.
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    pub source: WriterSource,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WriterSource {
    /// The last writer before the object went. It need not be who deleted it.
    ManagedFields,
    Event,
    Audit,
}
