//! The access to etcd: endpoints and TLS files, from the flags of a manifest. It reads no key and sends no request.

use crate::etcd_pair::Pair;
use podlift_heal::manifest::Manifest;
use podlift_host::{Host, paths};
use podlift_model::command::is_expanded;
use podlift_model::op::Component;
use podlift_model::{ClusterName, FlagSet};

/// Endpoints and TLS options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    pub endpoints: Vec<String>,
    /// `--cacert`, `--cert` and `--key`, as far as they are set.
    pub(super) tls: Vec<String>,
}

impl Access {
    /// The access by a manifest's flags; `servers` replaces an empty `--etcd-servers`.
    pub fn of_manifest(
        host: &Host,
        cluster: &ClusterName,
        manifest: &Manifest,
        servers: Option<&str>,
    ) -> Option<Self> {
        let flags = manifest.flags();
        let own = flags.items("etcd-servers");
        let wanted = match servers.filter(|_| own.is_empty()) {
            Some(servers) => servers.split(',').map(String::from).collect(),
            None => own,
        };
        Self::to(host, cluster, &flags, wanted.iter().map(String::as_str))
    }

    /// The stores of single resources in the manifest's `--etcd-servers-overrides`, each with the words of its override (`/events`). The
    /// API server opens them with the same TLS files.
    pub fn overrides(host: &Host, cluster: &ClusterName, manifest: &Manifest) -> Vec<(String, Self)> {
        let flags = manifest.flags();
        let store = |item: &String| {
            let (resource, servers) = item.split_once('#')?;
            Some((resource.to_string(), Self::to(host, cluster, &flags, servers.split(';'))?))
        };
        flags.items("etcd-servers-overrides").iter().filter_map(store).collect()
    }

    /// The access by this node's live manifest; `None` on a worker.
    pub fn of_node(host: &Host, cluster: &ClusterName, servers: Option<&str>) -> Option<Self> {
        let bytes = host.files.read(&paths::manifest(Component::KubeApiserver)).ok()?;
        let manifest = Manifest::parse(Component::KubeApiserver, &bytes).ok()?;
        Self::of_manifest(host, cluster, &manifest, servers)
    }

    /// The same certificates with other endpoints.
    pub fn at(self, servers: &str) -> Self {
        Self { endpoints: endpoints(servers.split(',')), ..self }
    }

    fn to<'a>(
        host: &Host,
        cluster: &ClusterName,
        flags: &FlagSet,
        servers: impl Iterator<Item = &'a str>,
    ) -> Option<Self> {
        let endpoints = endpoints(servers);
        let secured = endpoints.iter().any(|e| e.starts_with("https://") || e.starts_with("unixs://"));
        let pair = Pair::choose(host.files.as_ref(), cluster, flags).filter(|_| secured);
        let tls = pair.map(Pair::options).unwrap_or_default();
        (!endpoints.is_empty()).then_some(Self { endpoints, tls })
    }
}

/// Endpoints in the form that etcdctl takes and prints: a slash behind the port is not part of the address, but the path of a unix socket
/// is. An address that the kubelet expands when it starts the container (`$(POD_IP)`) is left out.
fn endpoints<'a>(servers: impl Iterator<Item = &'a str>) -> Vec<String> {
    let known = servers.map(str::trim).filter(|s| !is_expanded(s));
    known.map(|s| s.trim_end_matches('/')).filter(|s| !s.is_empty()).map(String::from).collect()
}
