//! The certificate that opens etcd: the live API server's own, or, if its files or flags are lost, that of one of the two known layouts
//! (the runbook's, and BCM's own). This module names files and never reads a key.

use podlift_host::Files;
use podlift_model::{ClusterName, FlagSet};
use std::path::Path;

/// Paths of CA, certificate and key; each may be absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair([Option<String>; 3]);

const OPTIONS: [&str; 3] = ["cacert", "cert", "key"];

impl Pair {
    /// The first pair whose files all exist, else the pair in the manifest, right or wrong.
    pub fn choose(files: &dyn Files, cluster: &ClusterName, flags: &FlagSet) -> Option<Self> {
        let named = Self(["etcd-cafile", "etcd-certfile", "etcd-keyfile"].map(|f| flags.joined(f)));
        let known = layouts(cluster.as_str());
        let all = [named.clone()].into_iter().chain(known);
        let there = |path: &Option<String>| path.as_ref().is_some_and(|p| files.stat(Path::new(p)).is_ok());
        let whole = all.into_iter().find(|pair| pair.0.iter().all(there));
        whole.or_else(|| named.0.iter().any(Option::is_some).then_some(named))
    }

    /// The options of etcdctl.
    pub fn options(self) -> Vec<String> {
        let pairs = OPTIONS.iter().zip(self.0);
        pairs.filter_map(|(option, path)| Some(format!("--{option}={}", path?))).collect()
    }
}

/// The pairs in the cluster's own folder, in BCM's default folder, and in kubeadm's.
fn layouts(cluster: &str) -> Vec<Pair> {
    let base = "/etc/kubernetes/pki";
    let dirs = [format!("{base}/{cluster}"), format!("{base}/default"), base.to_string()];
    let names = ["apiserver-etcd-client", "etcd/server", "etcd-member"];
    let pair = |dir: &String, name: &str| {
        Pair(
            [format!("{dir}/etcd/ca.crt"), format!("{dir}/{name}.crt"), format!("{dir}/{name}.key")]
                .map(Some),
        )
    };
    dirs.iter().flat_map(|dir| names.iter().map(move |name| pair(dir, name))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlift_host::testing::MemFiles;

    const FLAGS: [&str; 3] = ["--etcd-cafile=/x/ca", "--etcd-certfile=/x/crt", "--etcd-keyfile=/x/key"];

    fn chosen(there: &[&str], flags: &[&str]) -> Option<String> {
        let files = MemFiles::default();
        there.iter().for_each(|path| files.put(path, b""));
        let flags = FlagSet::parse(flags.iter().copied());
        Some(Pair::choose(&files, &"runaicluster".parse().unwrap(), &flags)?.options().join(" "))
    }

    #[test]
    fn the_manifests_own_then_what_is_there() {
        let own = Some("--cacert=/x/ca --cert=/x/crt --key=/x/key".to_string());
        let in_dir = |dir: &str, name: &str| {
            Some(format!("--cacert={dir}/etcd/ca.crt --cert={dir}/{name}.crt --key={dir}/{name}.key"))
        };
        let runbook = [
            "/etc/kubernetes/pki/runaicluster/etcd/ca.crt",
            "/etc/kubernetes/pki/runaicluster/etcd/server.crt",
            "/etc/kubernetes/pki/runaicluster/etcd/server.key",
        ];
        let bcm = [
            "/etc/kubernetes/pki/default/etcd/ca.crt",
            "/etc/kubernetes/pki/default/etcd-member.crt",
            "/etc/kubernetes/pki/default/etcd-member.key",
        ];
        assert_eq!(chosen(&["/x/ca", "/x/crt", "/x/key"], &FLAGS), own);
        assert_eq!(chosen(&runbook, &FLAGS), in_dir("/etc/kubernetes/pki/runaicluster", "etcd/server"));
        assert_eq!(chosen(&runbook, &[]), in_dir("/etc/kubernetes/pki/runaicluster", "etcd/server"));
        assert_eq!(chosen(&bcm, &FLAGS), in_dir("/etc/kubernetes/pki/default", "etcd-member"));
        assert_eq!(
            chosen(&runbook[..2], &FLAGS),
            own,
            "no key: the manifest is asked, and etcdctl says what is wrong"
        );
        assert_eq!(chosen(&[], &[]), None);
    }
}
