//! The flags that kubeadm would write into etcd.yaml of a stacked control plane (kubeadm 1.32 `phases/etcd/local.go`), without those of the
//! member itself: its name, its addresses, and the members that existed when it joined.

use super::render::{Renderer, written};
use super::{ClusterConfiguration, arguments};
use podlift_model::FlagSet;
use serde_json::Value;

/// Flags that kubeadm takes from the node, or that it writes in different forms of the same meaning in different versions.
pub const ETCD_OWN: &[&str] = &[
    "advertise-client-urls",
    "experimental-initial-corrupt-check",
    "experimental-watch-progress-notify-interval",
    "initial-advertise-peer-urls",
    "initial-cluster",
    "initial-cluster-state",
    "listen-client-urls",
    "listen-peer-urls",
    "name",
    "watch-progress-notify-interval",
];

impl ClusterConfiguration {
    /// `etcd.local.extraArgs` as (name, value), in order, duplicates kept.
    pub fn etcd_args(&self) -> Vec<(String, String)> {
        arguments(self.etcd_local("extraArgs"))
    }

    /// `etcd.local.imageTag`, which has priority over the version that kubeadm brings.
    pub fn etcd_image_tag(&self) -> Option<&str> {
        self.etcd_local("imageTag")?.as_str().filter(|t| !t.is_empty())
    }

    /// The flags of the stacked etcd, without the member's own.
    pub fn rendered_etcd(&self, by: Renderer) -> FlagSet {
        let pki = |file: &str| self.pki(&format!("etcd/{file}"));
        let folder = self.etcd_local("dataDir").and_then(Value::as_str).filter(|d| !d.is_empty());
        let mut flags: Vec<(&str, String)> = vec![
            ("cert-file", pki("server.crt")),
            ("client-cert-auth", "true".into()),
            ("data-dir", folder.unwrap_or("/var/lib/etcd").into()),
            ("key-file", pki("server.key")),
            ("listen-metrics-urls", format!("http://{}:2381", by.loopback())),
            ("peer-cert-file", pki("peer.crt")),
            ("peer-client-cert-auth", "true".into()),
            ("peer-key-file", pki("peer.key")),
            ("peer-trusted-ca-file", pki("ca.crt")),
            ("snapshot-count", "10000".into()),
            ("trusted-ca-file", pki("ca.crt")),
        ];
        // kubeadm 1.34 brings etcd 3.6, where this flag replaces an experimental one.
        flags.push(("feature-gates", "InitialCorruptCheck=true".into()));
        written(flags.into_iter().map(|(n, v)| (n.to_string(), v)), self.etcd_args(), by)
    }

    fn etcd_local(&self, key: &str) -> Option<&Value> {
        self.value.get("etcd")?.get("local")?.get(key)
    }
}
