//! The configuration file of a client: the coordinator's address and the files of the operator's certificate.

use serde::Deserialize;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Content of `/etc/podlift/podlift.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The coordinator's address, for example "10.141.255.254:7443".
    pub coordinator: SocketAddr,
    #[serde(default)]
    pub tls: Tls,
}

/// Files of the mutual TLS, each with a default below `/etc/podlift/tls`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    /// Certificate of the cluster's CA; "/etc/podlift/tls/ca.crt".
    pub ca: PathBuf,
    /// Certificate of the operator; "/etc/podlift/tls/operator.crt".
    pub certificate: PathBuf,
    /// Private key of the operator; "/etc/podlift/tls/operator.key".
    pub key: PathBuf,
}

impl Default for Tls {
    fn default() -> Self {
        let file = |name: &str| PathBuf::from("/etc/podlift/tls").join(name);
        Self { ca: file("ca.crt"), certificate: file("operator.crt"), key: file("operator.key") }
    }
}
