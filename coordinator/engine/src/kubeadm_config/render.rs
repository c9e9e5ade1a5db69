//! What kubeadm would write: its defaults, `--etcd-servers` among them, and extraArgs over them (kubeadm 1.31 and 1.32
//! `phases/controlplane/manifests.go:166-240`, which differ only in a comment; `util/arguments.go:37-64`: a name in extraArgs removes every
//! default with exactly that name). The program that reads the flags treats `_` as `-`.

use super::ClusterConfiguration;
use podlift_model::command::normal;
use podlift_model::op::Component;
use podlift_model::{FlagSet, KubeVersion};
use serde_json::Value;

/// The kubeadm that renders: the target's, on one node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Renderer {
    pub to: KubeVersion,
    /// The node's API server has an IPv6 address, so kubeadm expects a stacked etcd at `[::1]`.
    pub ipv6: bool,
}

impl Renderer {
    /// On a node with an IPv4 address.
    pub fn of(to: KubeVersion) -> Self {
        Self { to, ipv6: false }
    }

    /// Whether kubeadm sorts all flags by name and value, as it did until 1.32.11, 1.33.7, 1.34.3 and 1.35.0. Later versions write
    /// extraArgs after the defaults in their own order (CHANGELOG-1.32, line 416).
    pub fn sorts(&self) -> bool {
        match (self.to.minor, self.to.patch) {
            (..=31, _) => true,
            (32, patch) => patch < 12,
            (33, patch) => patch < 8,
            (34, patch) => patch < 4,
            (35, patch) => patch < 1,
            _ => false,
        }
    }

    pub(super) fn loopback(&self) -> &'static str {
        if self.ipv6 { "[::1]" } else { "127.0.0.1" }
    }
}

impl ClusterConfiguration {
    /// The flags of `component` as the program will read them, without the node's own.
    pub fn rendered(&self, component: Component, by: Renderer) -> FlagSet {
        let extra = self.extra_args(component);
        let defaults =
            self.defaults(component, by).into_iter().map(|(name, value)| (name.to_string(), value));
        written(defaults, extra, by)
    }

    /// A present `external`, even `{}`, has priority over local; null or absent means local.
    pub(super) fn external_etcd(&self) -> Option<&Value> {
        self.value.get("etcd")?.get("external").filter(|v| !v.is_null())
    }

    /// Whether kubeadm runs etcd as a static pod beside each API server.
    pub fn is_stacked(&self) -> bool {
        self.external_etcd().is_none()
    }

    /// Value of `--etcd-servers` before extraArgs.
    pub(super) fn etcd_servers(&self, by: Renderer) -> String {
        let Some(external) = self.external_etcd() else { return self.local_servers(by) };
        let endpoints = external.get("endpoints").and_then(Value::as_array);
        let texts = endpoints.into_iter().flatten().filter_map(Value::as_str);
        texts.collect::<Vec<_>>().join(",")
    }

    fn local_servers(&self, by: Renderer) -> String {
        let urls = self.etcd_args().into_iter().rfind(|(name, _)| name == "advertise-client-urls");
        urls.map_or_else(|| format!("https://{}:2379", by.loopback()), |(_, urls)| urls)
    }
}

/// Merges defaults and extraArgs as kubeadm does.
pub(super) fn written(
    defaults: impl Iterator<Item = (String, String)>,
    extra: Vec<(String, String)>,
    by: Renderer,
) -> FlagSet {
    let mut args: Vec<(String, String)> =
        defaults.filter(|(name, _)| !extra.iter().any(|(n, _)| n == name)).collect();
    args.extend(extra);
    if by.sorts() {
        args.sort();
    }
    let mut flags = FlagSet::default();
    for (name, value) in args {
        flags.0.entry(normal(&name)).or_default().push(value);
    }
    flags
}
