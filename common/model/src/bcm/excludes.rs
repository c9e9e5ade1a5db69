//! The exclude lists that BCM applies when it writes an image to a node, and what they have to keep. The rules of matching are rsync's, read
//! strictly: a pattern that may not cover a path counts as one that does not.

use crate::ids::NodeName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wildmatch::WildMatch;

/// Paths of a node that a write of an image must not delete or change: those of Kubernetes, of its container runtime, and of podlift itself.
/// `/var/lib/etcd` matters only on a node with a member of etcd. `OF_IMAGE` may be written by an image that has the agent itself.
pub const PROTECTED: &[&str] = &[
    "/etc/kubernetes",
    "/var/lib/kubelet",
    "/var/lib/etcd",
    "/var/lib/containerd",
    "/etc/containerd",
    "/etc/cni",
    "/opt/cni",
    "/etc/podlift",
    "/var/lib/podlift",
    "/etc/machine-id",
    "/usr/bin/podlift-agent",
    "/usr/lib/systemd/system/podlift-agent.service",
    "/etc/systemd/system/multi-user.target.wants/podlift-agent.service",
];

/// The part of `PROTECTED` that the agent's package installs. It needs no exclude list where the image has the agent (`BcmImage::agent`).
pub const OF_IMAGE: &[&str] = &[
    "/usr/bin/podlift-agent",
    "/usr/lib/systemd/system/podlift-agent.service",
    "/etc/systemd/system/multi-user.target.wants/podlift-agent.service",
];

/// The effective exclude lists of one node, with what its category, roles and applications add. Each entry is an rsync pattern, without the
/// word `no-new-files:`, because both kinds keep what is on the node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BcmExcludes {
    pub node: NodeName,
    /// Of an imageupdate.
    pub update: Vec<String>,
    /// Of the sync at a reboot.
    pub sync: Vec<String>,
}

impl BcmExcludes {
    /// The lists that do not cover this path of the node: `update`, `sync`.
    pub fn open(&self, path: &str) -> Vec<&'static str> {
        let lists = [("update", &self.update), ("sync", &self.sync)];
        lists.into_iter().filter(|(_, list)| !covers(list, path)).map(|(name, _)| name).collect()
    }
}

/// Whether a list keeps all of `path`: a pattern excludes it, one of its parents, or all that is in it, and no rule includes a part of it.
fn covers(list: &[String], path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').filter(|p| !p.is_empty()).collect();
    let rule = |line: &String| line.trim().to_string();
    let rules: Vec<String> = list.iter().map(rule).collect();
    let included = rules.iter().filter_map(|r| r.strip_prefix("+ ")).any(|p| may_include(p.trim(), &parts));
    let excluded = rules.iter().map(|r| r.strip_prefix("- ").unwrap_or(r).trim());
    !included && excluded.into_iter().filter(|r| !r.starts_with("+ ")).any(|p| excludes(p, &parts))
}

fn excludes(pattern: &str, path: &[&str]) -> bool {
    let anchored = pattern.starts_with('/');
    let words: Vec<&str> = pattern.split('/').filter(|p| !p.is_empty()).collect();
    let Some((last, before)) = words.split_last() else { return false };
    // `**` in the middle, and character classes, are not read: such a pattern counts for nothing.
    if before.iter().any(|w| w.contains("**")) || words.iter().any(|w| w.contains(['[', '\\'])) {
        return false;
    }
    let content = matches!(*last, "*" | "**" | "***");
    let whole = |end: usize| ends_with(&path[..end], &words, anchored);
    // Without `/`, rsync matches the name of any part; `*` alone would match all, which no list of BCM means.
    let parents = 1..=path.len();
    let named = parents.into_iter().any(whole) && !(content && before.is_empty() && !anchored);
    named || (content && !before.is_empty() && ends_with(path, before, anchored))
}

/// Whether the words match the last parts of `path`, or all of them.
fn ends_with(path: &[&str], words: &[&str], all: bool) -> bool {
    let fits = if all { path.len() == words.len() } else { path.len() >= words.len() };
    let tail = path.len().saturating_sub(words.len());
    fits && words.iter().zip(&path[tail..]).all(|(word, part)| WildMatch::new(word).matches(part))
}

/// Whether an including rule may concern the path, a parent or something in it.
fn may_include(pattern: &str, path: &[&str]) -> bool {
    let words: Vec<&str> = pattern.split('/').filter(|p| !p.is_empty()).collect();
    !pattern.starts_with('/') || words.iter().zip(path).all(|(word, part)| WildMatch::new(word).matches(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_pattern_keeps() {
        for (pattern, path, kept) in [
            ("/etc/kubernetes", "/etc/kubernetes", true),
            ("/etc/kubernetes/", "/etc/kubernetes", true),
            ("/etc/kubernetes/*", "/etc/kubernetes", true),
            ("/etc/kubernetes/**", "/etc/kubernetes", true),
            ("/etc/kubernetes/***", "/etc/kubernetes", true),
            ("- /etc/kubernetes/*", "/etc/kubernetes", true),
            ("/etc/*", "/etc/kubernetes", true),
            ("/etc/kube*", "/etc/kubernetes", true),
            ("/var/lib/**", "/var/lib/kubelet", true),
            ("/var", "/var/lib/kubelet", true),
            ("kubelet", "/var/lib/kubelet", true),
            ("lib/kubelet", "/var/lib/kubelet", true),
            ("/etc/kubernetes/manifests", "/etc/kubernetes", false),
            ("/etc/kubernetes/pki/*", "/etc/kubernetes", false),
            ("/etc/kubernetes.old", "/etc/kubernetes", false),
            ("/lib/kubelet", "/var/lib/kubelet", false),
            ("/var/log/*", "/var/lib/kubelet", false),
            ("/*/*/podlift", "/var/lib/podlift", true),
            ("/**/kubelet", "/var/lib/kubelet", false),
            ("/etc/[k]ubernetes", "/etc/kubernetes", false),
            ("*", "/etc/kubernetes", false),
            ("*.rpmsave", "/etc/kubernetes", false),
            ("", "/etc/kubernetes", false),
            ("/", "/etc/kubernetes", false),
        ] {
            let list = vec![pattern.to_string()];
            assert_eq!(covers(&list, path), kept, "{pattern} {path}");
        }
    }

    #[test]
    fn a_part_that_is_included_is_not_kept() {
        let of = |rules: &[&str]| rules.iter().map(ToString::to_string).collect::<Vec<_>>();
        for (rules, kept) in [
            (&["+ /etc/kubernetes/pki", "- /etc/kubernetes/*"][..], false),
            (&["+ /etc/hosts", "- /etc/kubernetes/*"], true),
            (&["+ /etc", "- /etc/kubernetes/*"], false),
            (&["+ pki", "- /etc/kubernetes/*"], false),
            (&["+ /var/lib/etcd", "- /etc/kubernetes/*"], true),
        ] {
            assert_eq!(covers(&of(rules), "/etc/kubernetes"), kept, "{rules:?}");
        }
    }

    #[test]
    fn each_list_is_judged_alone() {
        let node = NodeName::new("dgx030").unwrap();
        let excludes = BcmExcludes { node, update: vec!["/etc/kubernetes/*".into()], sync: vec![] };
        assert_eq!(excludes.open("/etc/kubernetes"), ["sync"]);
        assert_eq!(excludes.open("/var/lib/kubelet"), ["update", "sync"]);
        assert!(OF_IMAGE.iter().all(|path| PROTECTED.contains(path)));
    }
}
