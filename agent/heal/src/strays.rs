//! Copies of a manifest that the kubelet reads beside it. The kubelet reads every file whose name does not begin with a dot, whatever its
//! ending, and of two files for one pod the last one wins (kube-apiserver.yaml.bak over kube-apiserver.yaml). Other pods are ignored,
//! except for a second etcd. Pure.

use crate::manifest::identity;
use podlift_host::{FileKind, Stat};
use podlift_model::Digest;
use podlift_model::heal::{HealFinding, HealKind};
use podlift_model::op::Component;

const NAMESPACE: &str = "kube-system";

/// A second file for the pod of a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stray {
    pub name: String,
    /// `None` if the pod is etcd's, whose files are never moved.
    pub component: Option<Component>,
    pub stat: Stat,
    pub hash: Digest,
    /// Why the file is never moved; `None` if it may be.
    pub why_not: Option<String>,
}

/// Whether the kubelet reads a file of this name that is no component's own manifest.
pub fn may_be(name: &str) -> bool {
    !name.starts_with('.') && Component::ALL.iter().all(|c| c.file() != name)
}

/// The component whose pod these bytes describe.
pub fn component_of(bytes: &[u8]) -> Option<Component> {
    let (namespace, name) = identity(bytes)?;
    Component::ALL.iter().copied().find(|c| namespace == NAMESPACE && name == c.name())
}

/// Whether these bytes describe etcd's pod.
pub fn is_etcd(bytes: &[u8]) -> bool {
    identity(bytes).is_some_and(|(namespace, name)| namespace == NAMESPACE && name == "etcd")
}

/// The file that kubeadm writes for etcd.
pub const ETCD: &str = "etcd.yaml";

/// A symbolic link with the name of a component; its target is not read.
pub fn link(name: String, stat: Stat) -> Option<Stray> {
    let component = Component::ALL.iter().copied().find(|c| name.starts_with(c.name()))?;
    let why_not = "it is a symbolic link: the kubelet follows it, podlift does not; see where it leads";
    let (component, why_not) = (Some(component), Some(why_not.into()));
    Some(Stray { name, component, stat, hash: Digest::of(""), why_not })
}

impl Stray {
    pub fn what(&self) -> String {
        let own = self.component.map_or_else(|| ETCD.into(), |c| c.file());
        if self.stat.kind == FileKind::Symlink {
            return format!("{} may hold the pod of {own} too", self.name);
        }
        let wins = if self.name > own { "and wins at every relist" } else { "and flips with it" };
        format!("{} holds the pod of {own} too: the kubelet reads both, {wins}", self.name)
    }

    pub fn finding(&self, why_not: Option<String>) -> HealFinding {
        HealFinding {
            file: self.name.clone(),
            rule: "stray".into(),
            kind: HealKind::Hygiene,
            what: self.what(),
            report_only: why_not,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlift_host::testing::{LIVE_API, LIVE_SCHEDULER};

    #[test]
    fn copies_are_told_from_other_pods_and_from_what_the_kubelet_skips() {
        for name in ["kube-apiserver.yaml.bak", "kube-apiserver.yaml~", "a.orig", "x.dpkg-old", "x.json"] {
            assert!(may_be(name), "{name}");
        }
        for name in ["kube-apiserver.yaml", ".kubelet-keep", ".kube-apiserver.yaml.swp"] {
            assert!(!may_be(name), "{name}");
        }
        assert_eq!(component_of(LIVE_API.as_bytes()), Some(Component::KubeApiserver));
        assert_eq!(component_of(LIVE_SCHEDULER.as_bytes()), Some(Component::KubeScheduler));
        let others = [
            LIVE_API.replace("name: kube-apiserver", "name: etcd"),
            LIVE_API.replace("namespace: kube-system", "namespace: other"),
            LIVE_API.replace("kind: Pod", "kind: Other"),
            "kube-apiserver".into(),
        ];
        for other in others {
            assert_eq!(component_of(other.as_bytes()), None, "{other}");
        }
    }
}
