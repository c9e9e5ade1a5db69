//! Command-line flags of a control-plane component as a set. kubeadm 1.31 and 1.32.9 write them sorted, 1.32.12 and later do not
//! (CHANGELOG-1.32 line 416), so sets are compared and not texts. Lists whose order has a meaning are compared in their order.

use crate::command::{CommandLine, Kind, kind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Flag name without dashes, and its values in order (a flag may repeat).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct FlagSet(pub BTreeMap<String, Vec<String>>);

/// One difference between the flags that run and the flags that would be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FlagChange {
    pub component: String,
    pub flag: String,
    /// `None` if the flag is new.
    pub live: Option<String>,
    /// `None` if the flag would be removed. `Some("")` if it would be present and empty.
    pub rendered: Option<String>,
}

impl FlagChange {
    /// Whether the flag would be removed or emptied, so that the cluster would lose a setting.
    pub fn is_loss(&self) -> bool {
        self.live.as_deref().is_some_and(|v| !v.is_empty())
            && self.rendered.as_deref().unwrap_or("").is_empty()
    }

    /// Whether the values are the same in another order, where the order has a meaning.
    pub fn is_reorder(&self) -> bool {
        let ordered = matches!(kind(&self.flag), Some(Kind::List | Kind::Repeated));
        let items = |text: &str| sorted(text.split(',').map(String::from).collect());
        let (live, rendered) = (self.live.as_deref(), self.rendered.as_deref());
        ordered && live.zip(rendered).is_some_and(|(a, b)| a != b && items(a) == items(b))
    }
}

impl std::fmt::Display for FlagChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { component, flag, live, rendered } = self;
        match (live.as_deref(), rendered.as_deref()) {
            (Some(a), Some(b)) if self.is_reorder() => {
                write!(
                    f,
                    "{component}: --{flag} would change its order, which has a meaning, from {a} to {b}"
                )
            }
            (Some(a), Some("")) => write!(f, "{component}: --{flag} would be emptied (now {a})"),
            (Some(a), Some(b)) => write!(f, "{component}: --{flag} would change from {a} to {b}"),
            (Some(a), None) => write!(f, "{component}: --{flag} would vanish (now {a})"),
            (None, b) => write!(f, "{component}: --{flag} would appear as {}", b.unwrap_or("")),
        }
    }
}

impl FlagSet {
    /// Reads the arguments of a process. Leading words without a dash name the program and are skipped. For a container use
    /// [`CommandLine::read`], which knows wrappers and shells.
    pub fn parse<'a>(args: impl IntoIterator<Item = &'a str>) -> Self {
        let words: Vec<&str> = args.into_iter().skip_while(|word| !word.starts_with('-')).collect();
        Self::from(&CommandLine::flags_of(&words))
    }

    /// Value of the flag: the last value, or all items of a list joined by commas. `None` if the flag is absent.
    pub fn joined(&self, name: &str) -> Option<String> {
        let values = self.0.get(name)?;
        match kind(name) {
            Some(Kind::Single | Kind::Bool) => values.last().cloned(),
            _ => Some(values.join(",")),
        }
    }

    /// The values of a flag, one for each occurrence.
    pub fn values(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    /// The comma-separated items of a flag, without empty items.
    pub fn items(&self, name: &str) -> Vec<String> {
        let all = self.joined(name).unwrap_or_default();
        all.split(',').map(str::trim).filter(|s| !s.is_empty()).map(String::from).collect()
    }

    /// `--feature-gates` as (name, value), without the optional prefix `kube:`. Items that are no gate are omitted.
    pub fn gates(&self) -> Vec<(String, bool)> {
        self.items("feature-gates").iter().filter_map(|item| parse_gate(item)).collect()
    }

    /// What would differ if `rendered` replaced `self`. Lists whose order means nothing are compared as sets; those whose order has a
    /// meaning are compared as lists.
    pub fn changes_to(&self, component: &str, rendered: &FlagSet) -> Vec<FlagChange> {
        let names: BTreeSet<&String> = self.0.keys().chain(rendered.0.keys()).collect();
        let differ = |name: &str| match (self.0.get(name), rendered.0.get(name)) {
            (Some(live), Some(new)) => match kind(name) {
                Some(Kind::Set) => sorted(self.items(name)) != sorted(rendered.items(name)),
                Some(Kind::List) => self.items(name) != rendered.items(name),
                Some(Kind::Single) => live.last() != new.last(),
                Some(Kind::Bool) => bool_of(live.last()) != bool_of(new.last()),
                Some(Kind::Repeated) | None => live != new,
            },
            _ => true,
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

/// The value as Go's strconv.ParseBool reads it; any other text is unchanged.
fn bool_of(value: Option<&String>) -> Option<Result<bool, &str>> {
    value.map(|text| match text.as_str() {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        other => Err(other),
    })
}

impl From<&CommandLine> for FlagSet {
    fn from(line: &CommandLine) -> Self {
        let mut set: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for flag in &line.flags {
            set.entry(flag.name.clone()).or_default().push(flag.value.clone());
        }
        Self(set)
    }
}

fn sorted(mut items: Vec<String>) -> Vec<String> {
    items.sort();
    items
}

/// One item: `Name=true` or `kube:Name=false`, with the booleans of Go's strconv.ParseBool.
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
    fn each_kind_of_flag_is_compared_in_its_own_way() {
        let cases: [(&[&str], &[&str], usize); 9] = [
            (
                &["--enable-admission-plugins=A,B"],
                &["--enable-admission-plugins=B", "--enable-admission-plugins=A"],
                0,
            ),
            (&["--authorization-mode=Node,RBAC"], &["--authorization-mode=RBAC,Node"], 1),
            (
                &["--service-account-issuer=a", "--service-account-issuer=b"],
                &["--service-account-issuer=b", "--service-account-issuer=a"],
                1,
            ),
            (
                &["--service-account-issuer=a", "--service-account-issuer=b"],
                &["--service-account-issuer=a,b"],
                1,
            ),
            (&["--v", "2"], &["--v=4", "-v=2"], 0),
            (&["--profiling=false"], &["--profiling=F"], 0),
            (&["--allow_privileged"], &["--allow-privileged=true"], 0),
            (&["--etcd_servers", "https://a:2379"], &["--etcd-servers=https://a:2379"], 0),
            (&["--site-flag=a", "--site-flag=b"], &["--site-flag=b", "--site-flag=a"], 1),
        ];
        for (live, rendered, want) in cases {
            let (live, rendered) =
                (FlagSet::parse(live.iter().copied()), FlagSet::parse(rendered.iter().copied()));
            assert_eq!(live.changes_to("x", &rendered).len(), want, "{live:?} {rendered:?}");
        }
        let order = FlagSet::parse(["--service-account-issuer=a", "--service-account-issuer=b"]).changes_to(
            "kube-apiserver",
            &FlagSet::parse(["--service-account-issuer=b", "--service-account-issuer=a"]),
        );
        assert!(order[0].is_reorder() && !order[0].is_loss());
        assert_eq!(
            order[0].to_string(),
            "kube-apiserver: --service-account-issuer would change its order, which has a meaning, from a,b to b,a"
        );
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
