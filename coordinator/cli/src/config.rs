//! Where the coordinator is, and the certificate that says who we are.

use serde::Deserialize;
use std::net::SocketAddr;
use std::path::PathBuf;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    /// The coordinator's address, e.g. "10.141.255.254:7443".
    pub coordinator: SocketAddr,
    #[serde(default)]
    pub tls: Tls,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Tls {
    /// "/etc/podlift/tls/ca.crt"
    pub ca: PathBuf,
    /// "/etc/podlift/tls/operator.crt"
    pub certificate: PathBuf,
    /// "/etc/podlift/tls/operator.key"
    pub key: PathBuf,
}

impl Default for Tls {
    fn default() -> Self {
        let file = |name: &str| PathBuf::from("/etc/podlift/tls").join(name);
        Self { ca: file("ca.crt"), certificate: file("operator.crt"), key: file("operator.key") }
    }
}
