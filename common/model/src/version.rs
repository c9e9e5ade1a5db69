//! Versions of Kubernetes and of its packages, and the rule that an upgrade goes one minor at a time (kubeadm 1.32
//! `phases/upgrade/policy.go` refuses more, even with --force).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct Minor {
    pub major: u16,
    pub minor: u16,
}

/// `v1.32.9`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct KubeVersion {
    pub major: u16,
    pub minor: u16,
    pub patch: u16,
}

/// A Debian package version of pkgs.k8s.io: `1.32.9-1.1`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct PackageVersion {
    pub kube: KubeVersion,
    pub revision: String,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    #[error("version {0:?} is not valid: expected vMAJOR.MINOR.PATCH, for example v1.32.9")]
    Version(String),
    #[error("minor version {0:?} is not valid: expected vMAJOR.MINOR, for example v1.32")]
    Minor(String),
    #[error(
        "package version {0:?} is not valid: expected MAJOR.MINOR.PATCH-REVISION, for example 1.32.9-1.1"
    )]
    Package(String),
    #[error("target {to} is a downgrade from {from}: podlift does not downgrade a cluster")]
    Downgrade { from: KubeVersion, to: KubeVersion },
    #[error("target {to} is the version the cluster runs already: nothing to do")]
    Same { from: KubeVersion, to: KubeVersion },
    #[error(
        "target {to} is {ahead} minor versions ahead of {from}: kubeadm upgrades one minor at a time; upgrade to {next}.x first"
    )]
    TooFar { from: KubeVersion, to: KubeVersion, ahead: u16, next: Minor },
}

impl KubeVersion {
    pub const fn new(major: u16, minor: u16, patch: u16) -> Self {
        Self { major, minor, patch }
    }
    pub fn minor(&self) -> Minor {
        Minor { major: self.major, minor: self.minor }
    }
}

impl Minor {
    pub fn next(&self) -> Minor {
        Minor { major: self.major, minor: self.minor + 1 }
    }
}

/// Whether this upgrade is allowed: to a later patch of the same minor, or to any patch of the next minor.
pub fn check_step(from: KubeVersion, to: KubeVersion) -> Result<(), VersionError> {
    if to == from {
        return Err(VersionError::Same { from, to });
    }
    if to < from {
        return Err(VersionError::Downgrade { from, to });
    }
    let ahead = to.minor.saturating_sub(from.minor);
    if to.major != from.major || ahead > 1 {
        return Err(VersionError::TooFar { from, to, ahead, next: from.minor().next() });
    }
    Ok(())
}

fn numbers<const N: usize>(text: &str) -> Option<[u16; N]> {
    let parts: Vec<&str> = text.strip_prefix('v').unwrap_or(text).split('.').collect();
    let plain = |p: &&str| {
        !p.is_empty()
            && p.len() <= 4
            && p.chars().all(|c| c.is_ascii_digit())
            && (p.len() == 1 || !p.starts_with('0'))
    };
    if parts.len() != N || !parts.iter().all(plain) {
        return None;
    }
    let mut out = [0; N];
    for (slot, part) in out.iter_mut().zip(parts) {
        *slot = part.parse().ok()?;
    }
    Some(out)
}

impl FromStr for KubeVersion {
    type Err = VersionError;
    fn from_str(text: &str) -> Result<Self, VersionError> {
        let [major, minor, patch] = numbers(text).ok_or_else(|| VersionError::Version(text.into()))?;
        Ok(Self { major, minor, patch })
    }
}

impl FromStr for Minor {
    type Err = VersionError;
    fn from_str(text: &str) -> Result<Self, VersionError> {
        let [major, minor] = numbers(text).ok_or_else(|| VersionError::Minor(text.into()))?;
        Ok(Self { major, minor })
    }
}

impl FromStr for PackageVersion {
    type Err = VersionError;
    fn from_str(text: &str) -> Result<Self, VersionError> {
        let bad = || VersionError::Package(text.into());
        let (kube, revision) = text.split_once('-').ok_or_else(bad)?;
        let fine = !revision.is_empty()
            && revision.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '~' | '+'));
        let [major, minor, patch] =
            numbers(kube).filter(|_| fine && !kube.starts_with('v')).ok_or_else(bad)?;
        Ok(Self { kube: KubeVersion { major, minor, patch }, revision: revision.into() })
    }
}

impl fmt::Display for KubeVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("v{}.{}.{}", self.major, self.minor, self.patch))
    }
}
impl fmt::Display for Minor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("v{}.{}", self.major, self.minor))
    }
}
impl fmt::Display for PackageVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let k = self.kube;
        f.pad(&format!("{}.{}.{}-{}", k.major, k.minor, k.patch, self.revision))
    }
}

macro_rules! as_text {
    ($($t:ty),*) => {$(
        impl TryFrom<String> for $t {
            type Error = VersionError;
            fn try_from(text: String) -> Result<Self, VersionError> {
                text.parse()
            }
        }
        impl From<$t> for String {
            fn from(v: $t) -> String {
                v.to_string()
            }
        }
    )*};
}
as_text!(KubeVersion, Minor, PackageVersion);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn v(text: &str) -> KubeVersion {
        text.parse().unwrap()
    }

    #[test]
    fn one_minor_at_a_time() {
        let cases = [
            ("v1.31.9", "v1.32.9", "ok"),
            ("v1.31.9", "v1.31.14", "ok"),
            ("v1.31.9", "v1.31.9", "nothing to do"),
            ("v1.32.9", "v1.31.14", "downgrade"),
            (
                "v1.31.9",
                "v1.33.1",
                "2 minor versions ahead of v1.31.9: kubeadm upgrades one minor at a time; upgrade to v1.32.x first",
            ),
            ("v1.31.9", "v2.0.0", "minor versions ahead"),
        ];
        for (from, to, want) in cases {
            let got = check_step(v(from), v(to)).map_or_else(|e| e.to_string(), |()| "ok".into());
            assert!(got.contains(want), "{from} to {to}: {got}");
        }
    }

    #[test]
    fn packages() {
        let p: PackageVersion = "1.32.9-1.1".parse().unwrap();
        assert_eq!(
            (p.kube, p.revision.as_str(), p.to_string().as_str()),
            (v("v1.32.9"), "1.1", "1.32.9-1.1")
        );
        for bad in ["1.32.9", "v1.32.9-1.1", "1.32-1.1", "1.32.9-", "1.32.9-1.1; rm", "1.32.09-1"] {
            assert!(bad.parse::<PackageVersion>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn texts_round_trip(a in 0u16..3, b in 0u16..999, c in 0u16..999) {
            let version = KubeVersion::new(a, b, c);
            prop_assert_eq!(version.to_string().parse::<KubeVersion>().unwrap(), version);
            prop_assert_eq!(version.minor().to_string().parse::<Minor>().unwrap(), version.minor());
        }
        #[test]
        fn parsing_never_panics(text in ".{0,20}") {
            let _ = (text.parse::<KubeVersion>(), text.parse::<Minor>(), text.parse::<PackageVersion>());
        }
        #[test]
        fn never_more_than_one_minor(a in 20u16..40, b in 20u16..40, p in 0u16..20, q in 0u16..20) {
            let (from, to) = (KubeVersion::new(1, a, p), KubeVersion::new(1, b, q));
            let allowed = check_step(from, to).is_ok();
            prop_assert_eq!(allowed, to > from && b <= a + 1);
        }
    }
}
