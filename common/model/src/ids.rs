//! Names and ids as types, so that a node's name can't take the place of a run's id. Each value is validated when it is made, so it is safe
//! in a path, a unit name, an argv and a log line.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a text is not a valid id: the field, the value, and what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {value:?} is not valid: expected {expected}")]
pub struct InvalidId {
    pub what: &'static str,
    pub value: String,
    pub expected: &'static str,
}

const NAME: &str = "lower-case letters, digits, '-' and '.', starting and ending with a letter or digit, at most 253 characters";
const LABEL: &str =
    "lower-case letters, digits and '-', starting and ending with a letter or digit, at most 63 characters";
const SUBDOMAIN: &str = "lower-case letters, digits, '-' and '.', each part between dots starting and ending with a letter or digit, at most 253 characters";
pub(crate) const TOKEN: &str =
    "letters, digits, '-', '_' and '.', at most 128 characters, not starting with '.' or '-'";

fn is_name(s: &str) -> bool {
    let ok = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    s.len() <= 253
        && s.chars().all(ok)
        && edge(s.chars().next())
        && edge(s.chars().last())
        && !s.contains("..")
}

/// RFC 1123 label, as Kubernetes checks it (`apimachinery/pkg/util/validation`, IsDNS1123Label) without its length.
fn is_label_of_any_length(s: &str) -> bool {
    let ok = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !s.is_empty() && s.chars().all(ok) && !s.starts_with('-') && !s.ends_with('-')
}

fn is_label(s: &str) -> bool {
    s.len() <= 63 && is_label_of_any_length(s)
}

/// RFC 1123 subdomain, as Kubernetes checks it (IsDNS1123Subdomain): only the whole has a length.
fn is_subdomain(s: &str) -> bool {
    s.len() <= 253 && s.split('.').all(is_label_of_any_length)
}

/// The API server makes UUIDs; a static pod has the hash of its file.
fn is_uid(s: &str) -> bool {
    let ok = |c: char| c.is_ascii_alphanumeric() || c == '-';
    s.len() <= 64 && s.chars().all(ok) && s.starts_with(|c: char| c.is_ascii_alphanumeric())
}

pub(crate) fn is_token(s: &str) -> bool {
    let ok = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !s.is_empty() && s.len() <= 128 && s.chars().all(ok) && !s.starts_with(['.', '-'])
}

fn is_flag(s: &str) -> bool {
    let ok = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    s.len() <= 128 && s.starts_with(|c: char| c.is_ascii_lowercase()) && s.chars().all(ok)
}

fn is_step(s: &str) -> bool {
    !s.is_empty() && s.len() <= 300 && s.split('/').all(|part| is_token(part) || is_name(part))
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $check:ident, $expected:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Validates.
            pub fn new(text: impl Into<String>) -> Result<Self, InvalidId> {
                let text = text.into();
                if $check(&text) { Ok(Self(text)) } else { Err(InvalidId { what: $what, value: text, expected: $expected }) }
            }
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }
        impl std::str::FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }
        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

pub(crate) use text_id;

text_id!(/// BCM's name of the Kubernetes cluster.
    ClusterName, "cluster name", is_name, NAME);
text_id!(/// Kubernetes node name.
    NodeName, "node name", is_name, NAME);
text_id!(/// Kubernetes namespace.
    Namespace, "namespace", is_label, LABEL);
text_id!(/// Name of a pod within its namespace.
    PodName, "pod name", is_subdomain, SUBDOMAIN);
text_id!(/// Name of an object within its namespace.
    ObjectName, "object name", is_subdomain, SUBDOMAIN);
text_id!(/// Uid of a pod, which no other pod ever gets.
    PodUid, "pod uid", is_uid, "letters, digits and '-', at most 64 characters, not starting with '-'");
text_id!(/// One upgrade of one cluster.
    RunId, "run id", is_token, TOKEN);
text_id!(/// A step within a plan: `phase/node/verb` or `phase/verb`.
    StepId, "step id", is_step, "parts of a name joined by '/'");
text_id!(/// One attempt at one mutation; also the name of its systemd unit.
    OpId, "op id", is_token, TOKEN);
text_id!(/// Random name of an agent's ledger. A changed id means that the agent has lost its records.
    LedgerId, "ledger id", is_token, TOKEN);
text_id!(/// One start of one coordinator process.
    InstanceId, "instance id", is_token, TOKEN);
text_id!(/// `/proc/sys/kernel/random/boot_id`.
    BootId, "boot id", is_token, TOKEN);
text_id!(/// `/etc/machine-id`; the same on every clone of a disk.
    MachineId, "machine id", is_token, TOKEN);
text_id!(/// A flag of a component without dashes, words joined by `-`.
    FlagName, "flag", is_flag, "lower-case letters, digits and '-', starting with a letter, at most 128 characters");

impl OpId {
    /// The run that the op id names: the part before `-s<number>-a<attempt>`, to which an op that undoes something adds `-e<epoch>-u<number>`.
    pub fn run(&self) -> Option<&str> {
        let number = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
        let (run, tail) = self.0.rsplit_once("-s")?;
        let (step, rest) = tail.split_once('-')?;
        let part = |text: &str| text.strip_prefix(['a', 'e', 'u']).is_some_and(number);
        (number(step) && rest.split('-').all(part) && !run.is_empty()).then_some(run)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_run_of_an_op() {
        for (op, run) in [
            ("20261122-010203-ab12-s0012-a1", Some("20261122-010203-ab12")),
            ("20261122-010203-ab12-s0012-u3", Some("20261122-010203-ab12")),
            ("20261122-010203-ab12-s0012-a1-e5-u3", Some("20261122-010203-ab12")),
            ("r-s1-a2-s0001-a10", Some("r-s1-a2")),
            ("r-s0001-a1-e5-x3", None),
            ("op-1", None),
            ("r-s0001", None),
            ("r-sx-a1", None),
            ("r-s0001-b1", None),
            ("look-12", None),
        ] {
            assert_eq!(OpId::new(op).unwrap().run(), run, "{op}");
        }
    }

    #[test]
    fn names_and_tokens() {
        for (text, ok) in [
            ("dgx030", true),
            ("runai-01", true),
            ("a.b", true),
            ("", false),
            ("-a", false),
            ("A", false),
            ("a/b", false),
            ("a..b", false),
            ("../x", false),
        ] {
            assert_eq!(NodeName::new(text).is_ok(), ok, "{text:?}");
        }
        for (text, ok) in [
            ("018f-s012-a1", true),
            ("", false),
            (".x", false),
            ("a b", false),
            ("a/b", false),
            ("a;b", false),
        ] {
            assert_eq!(OpId::new(text).is_ok(), ok, "{text:?}");
        }
        assert!(StepId::new("cp1/runai-01/apply").is_ok());
        assert!(StepId::new("cp1//apply").is_err());
    }

    #[test]
    fn pods_are_named_by_kubernetes_rules() {
        let long = |n: usize| "a".repeat(n);
        for (text, namespace, pod, uid) in [
            ("ml", true, true, true),
            ("train-0", true, true, true),
            ("0a", true, true, true),
            ("2e3c1f0a-8d43-4b0e-9a55-0c6f5b1d7e21", true, true, true),
            ("a.b", false, true, false),
            ("a.-b", false, false, false),
            ("a..b", false, false, false),
            ("a-", false, false, true),
            ("-a", false, false, false),
            ("A", false, false, true),
            ("a_b", false, false, false),
            ("../x", false, false, false),
            ("--all", false, false, false),
            ("a b", false, false, false),
            ("", false, false, false),
            (&long(63), true, true, true),
            (&long(64), false, true, true),
            (&long(65), false, true, false),
            (&long(253), false, true, false),
            (&long(254), false, false, false),
        ] {
            let got = (Namespace::new(text).is_ok(), PodName::new(text).is_ok(), PodUid::new(text).is_ok());
            assert_eq!(got, (namespace, pod, uid), "{text:?}");
        }
    }

    #[test]
    fn a_bad_name_says_what_was_expected() {
        let e = NodeName::new("DGX 1").unwrap_err().to_string();
        assert!(e.starts_with("node name \"DGX 1\" is not valid: expected lower-case"), "{e}");
        assert!(serde_json::from_str::<NodeName>("\"a/b\"").is_err());
    }
}
