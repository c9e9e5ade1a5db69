//! Findings of the preflight checks. This module makes no look of its own.

use podlift_model::NodeName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The severity of a finding.
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
    /// What was seen, and what follows from it.
    pub evidence: String,
    /// The next command, or what to do.
    pub next: String,
    /// True if a rule of this site (`/etc/podlift/policy.toml`) requires it, and not a fact of Kubernetes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub site_rule: bool,
}

/// Makes a finding; for the checks.
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
