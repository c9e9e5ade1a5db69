//! What a preflight check says. Nothing here looks at anything.

use podlift_model::NodeName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The run is refused.
    Blocker,
    Warning,
    Note,
}

/// What a preflight check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    pub check: String,
    pub severity: Severity,
    pub node: Option<NodeName>,
    /// What was seen, and what it means.
    pub evidence: String,
    /// The next command, or what to do.
    pub next: String,
    /// A rule of this site (`/etc/podlift/policy.toml`) asks for it, not a fact of Kubernetes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub site_rule: bool,
}

/// Shorthand for the checks.
pub(crate) fn finding(
    check: &str,
    severity: Severity,
    node: Option<&NodeName>,
    evidence: String,
    next: &str,
) -> Finding {
    Finding {
        check: check.into(),
        severity,
        node: node.cloned(),
        evidence,
        next: next.into(),
        site_rule: false,
    }
}
