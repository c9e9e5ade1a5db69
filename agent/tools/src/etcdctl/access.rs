//! How etcd is reached: endpoints and TLS files, from the flags of a manifest. Reads no key, asks nobody.

use crate::etcd_pair::Pair;
use podlift_heal::manifest::Manifest;
use podlift_host::{Host, paths};
use podlift_model::command::is_expanded;
use podlift_model::op::Component;
use podlift_model::{ClusterName, FlagSet};

/// How to reach etcd.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    pub endpoints: Vec<String>,
    /// `--cacert`, `--cert`, `--key`, those that are set.
    pub(super) tls: Vec<String>,
}

impl Access {
    /// From a manifest's flags; `servers` takes the place of an empty `--etcd-servers`.
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

    /// The stores of single resources that a manifest names in `--etcd-servers-overrides`, each by its own words (`/events`). The API
    /// server opens them with the same TLS files.
    pub fn overrides(host: &Host, cluster: &ClusterName, manifest: &Manifest) -> Vec<(String, Self)> {
        let flags = manifest.flags();
        let store = |item: &String| {
            let (resource, servers) = item.split_once('#')?;
            Some((resource.to_string(), Self::to(host, cluster, &flags, servers.split(';'))?))
        };
        flags.items("etcd-servers-overrides").iter().filter_map(store).collect()
    }

    /// From this node's live manifest. None on a worker.
    pub fn of_node(host: &Host, cluster: &ClusterName, servers: Option<&str>) -> Option<Self> {
        let bytes = host.files.read(&paths::manifest(Component::KubeApiserver)).ok()?;
        let manifest = Manifest::parse(Component::KubeApiserver, &bytes).ok()?;
        Self::of_manifest(host, cluster, &manifest, servers)
    }

    /// The same certificates, other endpoints.
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

/// As etcdctl wants them and prints them again: a slash behind the port is no part of the address, a path of a unix socket is. An address
/// that the kubelet puts in when it starts the container (`$(POD_IP)`) is not known here.
fn endpoints<'a>(servers: impl Iterator<Item = &'a str>) -> Vec<String> {
    let known = servers.map(str::trim).filter(|s| !is_expanded(s));
    known.map(|s| s.trim_end_matches('/')).filter(|s| !s.is_empty()).map(String::from).collect()
}
