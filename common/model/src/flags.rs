//! Command-line flags of a control-plane component as a set: kubeadm 1.31 and 1.32.9 write them sorted, 1.32.12 and later do not
//! (CHANGELOG-1.32 line 416), so texts can't be compared and sets can.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Flag name without dashes, and its values in order (a flag may repeat).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct FlagSet(pub BTreeMap<String, Vec<String>>);

/// One difference between what runs and what would be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FlagChange {
    pub component: String,
    pub flag: String,
    /// None: the flag is new.
    pub live: Option<String>,
    /// None: the flag would be gone. `Some("")`: it would be there and empty.
    pub rendered: Option<String>,
}

impl FlagChange {
    /// Gone or emptied: what the cluster needs would be lost.
    pub fn is_loss(&self) -> bool {
        self.live.as_deref().is_some_and(|v| !v.is_empty())
            && self.rendered.as_deref().unwrap_or("").is_empty()
    }
}

impl std::fmt::Display for FlagChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { component, flag, live, rendered } = self;
        match (live.as_deref(), rendered.as_deref()) {
            (Some(a), Some("")) => write!(f, "{component}: --{flag} would be emptied (now {a})"),
            (Some(a), Some(b)) => write!(f, "{component}: --{flag} would change from {a} to {b}"),
            (Some(a), None) => write!(f, "{component}: --{flag} would vanish (now {a})"),
            (None, b) => write!(f, "{component}: --{flag} would appear as {}", b.unwrap_or("")),
        }
    }
}

impl FlagSet {
    /// Reads `--name=value` and `--name` (a bare flag is `true`, as pflag has it). Words without dashes are not flags.
    pub fn parse<'a>(args: impl IntoIterator<Item = &'a str>) -> Self {
        let mut set: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for arg in args {
            let Some(flag) = arg.strip_prefix("--") else { continue };
            let (name, value) = flag.split_once('=').unwrap_or((flag, "true"));
            set.entry(name.into()).or_default().push(value.into());
        }
        Self(set)
    }

    /// All values of a flag joined by commas; None where it is absent.
    pub fn joined(&self, name: &str) -> Option<String> {
        self.0.get(name).map(|v| v.join(","))
    }

    /// The comma-separated items of a flag, empty items left out.
    pub fn items(&self, name: &str) -> Vec<String> {
        let all = self.joined(name).unwrap_or_default();
        all.split(',').map(str::trim).filter(|s| !s.is_empty()).map(String::from).collect()
    }

    /// `--feature-gates` as (name, value), the optional `kube:` prefix taken off; items that are no gate are left out.
    pub fn gates(&self) -> Vec<(String, bool)> {
        self.items("feature-gates").iter().filter_map(|item| parse_gate(item)).collect()
    }

    /// What would differ if `rendered` replaced `self`. Lists whose order means nothing (gates) are compared as sets.
    pub fn changes_to(&self, component: &str, rendered: &FlagSet) -> Vec<FlagChange> {
        let names: BTreeSet<&String> = self.0.keys().chain(rendered.0.keys()).collect();
        let differ = |name: &str| match name {
            "feature-gates" => sorted(self.items(name)) != sorted(rendered.items(name)),
            _ => self.joined(name) != rendered.joined(name),
        };
        let changed = names.into_iter().filter(|name| differ(name));
        changed
            .map(|name| FlagChange {
                component: component.into(),
                flag: name.clone(),
                live: self.joined(name),
                rendered: rendered.joined(name),
            })
            .collect()
    }
}

fn sorted(mut items: Vec<String>) -> Vec<String> {
    items.sort();
    items
}

/// `Name=true`, `kube:Name=false`; the booleans of Go's strconv.ParseBool.
pub fn parse_gate(item: &str) -> Option<(String, bool)> {
    let (name, value) = item.trim().split_once('=')?;
    let name = name.trim().trim_start_matches("kube:");
    let value = match value.trim() {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => true,
        "0" | "f" | "F" | "false" | "FALSE" | "False" => false,
        _ => return None,
    };
    (!name.is_empty()).then(|| (name.to_string(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_compares_and_tells_losses() {
        let live = FlagSet::parse([
            "kube-apiserver",
            "--etcd-servers=https://a:2379,https://b:2379",
            "--feature-gates=A=true,B=false",
            "--x",
        ]);
        let same = FlagSet::parse([
            "--x=true",
            "--feature-gates=B=false",
            "--feature-gates=A=true",
            "--etcd-servers=https://a:2379,https://b:2379",
        ]);
        assert_eq!(live.changes_to("kube-apiserver", &same), vec![]);
        let broken = FlagSet::parse(["--etcd-servers=", "--feature-gates=A=true,B=false", "--new=1"]);
        let changes = live.changes_to("kube-apiserver", &broken);
        let shown: Vec<String> = changes.iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            [
                "kube-apiserver: --etcd-servers would be emptied (now https://a:2379,https://b:2379)",
                "kube-apiserver: --new would appear as 1",
                "kube-apiserver: --x would vanish (now true)",
            ]
        );
        assert_eq!(changes.iter().map(FlagChange::is_loss).collect::<Vec<_>>(), [true, false, true]);
    }

    #[test]
    fn gates() {
        for (item, want) in [
            ("A=true", Some(("A", true))),
            ("kube:A=F", Some(("A", false))),
            ("A", None),
            ("=true", None),
            ("A=yes", None),
        ] {
            assert_eq!(parse_gate(item), want.map(|(n, v)| (n.to_string(), v)), "{item}");
        }
    }
}
