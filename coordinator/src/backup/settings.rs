//! `[backup]` of the configuration.

use podlift_backup::Recipient;
use serde::Deserialize;
use std::num::NonZeroU32;
use std::path::PathBuf;
use wildmatch::WildMatch;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BackupSettings {
    /// Directory of the sets. "/var/lib/podlift/backups"
    pub directory: PathBuf,
    /// Public keys (as `age-keygen` prints them) that secrets are encrypted to. Without a key, secrets are left out. []
    pub recipients: Vec<Recipient>,
    /// Number of sets to keep. 10
    pub keep: NonZeroU32,
    /// Namespaces whose workloads are backed up, with the wildcards `*` and `?`. ["runai*"]
    pub runai_namespaces: Vec<Pattern>,
    /// NAMESPACE/NAME of the certificate for hosts without one. If it is not set, it comes from the ingress controller's own arguments.
    pub default_certificate: Option<ObjectName>,
}

impl Default for BackupSettings {
    fn default() -> Self {
        Self {
            directory: "/var/lib/podlift/backups".into(),
            recipients: vec![],
            keep: NonZeroU32::MIN.saturating_add(9),
            runai_namespaces: vec![Pattern("runai*".into())],
            default_certificate: None,
        }
    }
}

/// A name pattern with the wildcards `*` and `?`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Pattern(String);

impl Pattern {
    pub fn matches(&self, text: &str) -> bool {
        WildMatch::new(&self.0).matches(text)
    }
}

/// `NAMESPACE/NAME`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct ObjectName {
    pub namespace: String,
    pub name: String,
}

#[derive(Debug, thiserror::Error)]
#[error("{0:?} names no object: expected NAMESPACE/NAME")]
pub struct NoName(String);

impl TryFrom<String> for ObjectName {
    type Error = NoName;
    fn try_from(text: String) -> Result<Self, NoName> {
        let fine =
            |t: &str| !t.is_empty() && t.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'));
        match text.split_once('/') {
            Some((namespace, name)) if fine(namespace) && fine(name) => {
                Ok(Self { namespace: namespace.into(), name: name.into() })
            }
            _ => Err(NoName(text)),
        }
    }
}

impl std::fmt::Display for ObjectName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespaces_match_by_pattern() {
        let pattern = Pattern("runai*".into());
        assert!(
            pattern.matches("runai") && pattern.matches("runai-team-a") && !pattern.matches("kube-runai")
        );
    }

    #[test]
    fn an_object_has_a_namespace_and_a_name() {
        assert_eq!(ObjectName::try_from("a/b".to_string()).unwrap().to_string(), "a/b");
        for bad in ["", "a", "a/", "/b", "a/b/c", "a/../b", "a/b?x"] {
            assert!(ObjectName::try_from(bad.to_string()).is_err(), "{bad:?}");
        }
    }
}
