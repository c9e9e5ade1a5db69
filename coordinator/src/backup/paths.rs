//! The kind of a node's file, from its path; and the members that a set must have of a node. Pure functions.

use podlift_backup::{Kind, Wanted};
use podlift_model::{NodeFacts, NodeName};

/// Directory where an agent keeps the files that it saved for a run.
const STORE: &str = "/var/lib/podlift/backup/";

/// `None` if the file belongs to no set, because the agent saved it for another run.
pub(super) fn kind(path: &str) -> Option<Kind> {
    if path.starts_with(STORE) {
        return None;
    }
    let below = |folder: &str| path.starts_with(folder);
    let name = path.rsplit('/').next().unwrap_or_default();
    Some(if path.contains("/pki/") {
        Kind::Pki
    } else if below("/etc/kubernetes/manifests/") {
        Kind::Manifest
    } else if below("/etc/kubernetes/") && name.ends_with(".conf") {
        Kind::Kubeconfig
    } else if below("/var/lib/kubelet/") || name.contains("kubelet") {
        Kind::KubeletConfig
    } else if path.contains("etcd") {
        Kind::EtcdConfig
    } else {
        Kind::Pki
    })
}

/// The run's own snapshot, as its agent keeps it.
pub(super) const SNAPSHOT: &str = "etcd.db";

/// A file that an agent saved for a run.
pub(super) fn saved(id: &str, file: &str) -> String {
    format!("{STORE}{id}/{file}")
}

/// A node whose files go into the set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Role {
    pub node: NodeName,
    pub control_plane: bool,
    /// Whether a member of etcd runs on this node, from its own API server's arguments.
    pub etcd: bool,
    /// Whether its agent has recipients to encrypt secrets to.
    pub encrypts: bool,
}

impl Role {
    pub fn of(node: &NodeName, control_plane: bool, facts: Option<&NodeFacts>) -> Self {
        let encrypts = facts.is_some_and(|f| !f.recipients.is_empty());
        Self { node: node.clone(), control_plane, etcd: facts.is_some_and(etcd), encrypts }
    }

    /// The members that the set must have of this node; `files` are the paths that its agent listed.
    pub fn wanted(&self, files: &[String]) -> Vec<Wanted> {
        let mut kinds = vec![Kind::Kubeconfig, Kind::KubeletConfig];
        if self.control_plane {
            kinds.extend([Kind::Manifest, Kind::Pki]);
        }
        // An etcd that is a static pod is among the manifests.
        let pod = files.iter().any(|f| f == "/etc/kubernetes/manifests/etcd.yaml");
        if self.etcd && !pod {
            kinds.push(Kind::EtcdConfig);
        }
        kinds.into_iter().map(|kind| Wanted { kind, node: Some(self.node.clone()) }).collect()
    }
}

fn etcd(facts: &NodeFacts) -> bool {
    let host = |address: &str| -> String {
        let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
        rest.rsplit_once(':').map_or(rest, |(host, _)| host).trim_matches(['[', ']']).to_string()
    };
    let own = facts.advertise.as_deref().map(host);
    facts.etcd_endpoints.iter().map(|e| host(e)).any(|h| {
        h == "127.0.0.1"
            || h == "::1"
            || h == "localhost"
            || h == facts.node.as_str()
            || Some(&h) == own.as_ref()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_by_its_path() {
        for (path, want) in [
            ("/etc/kubernetes/manifests/kube-apiserver.yaml", Some(Kind::Manifest)),
            ("/etc/kubernetes/admin.conf", Some(Kind::Kubeconfig)),
            ("/etc/kubernetes/pki/runaicluster/etcd/server.key", Some(Kind::Pki)),
            ("/var/lib/kubelet/pki/kubelet-client-current.pem", Some(Kind::Pki)),
            ("/var/lib/kubelet/config.yaml", Some(Kind::KubeletConfig)),
            ("/etc/default/kubelet", Some(Kind::KubeletConfig)),
            ("/etc/systemd/system/etcd.service", Some(Kind::EtcdConfig)),
            ("/cm/local/apps/etcd/current/etcd.conf", Some(Kind::EtcdConfig)),
            ("/var/lib/podlift/backup/r1/etcd.db", None),
        ] {
            assert_eq!(kind(path), want, "{path}");
        }
    }

    #[test]
    fn a_node_with_a_member_of_etcd_brings_its_configuration() {
        let fleet = crate::testing::Fleet::new();
        let node = crate::testing::name("runai-01");
        let facts = fleet.lock().facts[&node].clone();
        let role = Role::of(&node, true, Some(&facts));
        assert!(role.etcd);
        let config = Wanted { kind: Kind::EtcdConfig, node: Some(node.clone()) };
        assert!(role.wanted(&[]).contains(&config));
        assert!(!role.wanted(&["/etc/kubernetes/manifests/etcd.yaml".into()]).contains(&config));
        let away = NodeFacts { etcd_endpoints: vec!["https://10.77.9.9:2379".into()], ..facts };
        assert!(!Role::of(&node, true, Some(&away)).etcd);
    }
}
