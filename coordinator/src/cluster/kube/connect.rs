//! Clients from a kubeconfig file. It holds podlift's own identity with least rights, never admin.conf. One client uses the shared address,
//! and one uses each API server's own address.

use crate::cluster::Servers;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("kubeconfig {path} can't be used: {source}; set kubernetes.kubeconfig", path = path.display())]
    Config { path: PathBuf, source: KubeconfigError },
    #[error("kubeconfig {path}: it gives no client: {source}", path = path.display())]
    Client { path: PathBuf, source: Box<kube::Error> },
}

/// Creates a client without connecting.
pub async fn connect(kubeconfig: &Path, timeout: Duration) -> Result<Client, ConnectError> {
    let failed = |source| ConnectError::Client { path: kubeconfig.into(), source: Box::new(source) };
    Client::try_from(config(kubeconfig, timeout).await?).map_err(failed)
}

/// Creates a client for watches, whose answers have no end: it has no time limit between two reads.
pub async fn connect_for_watches(kubeconfig: &Path, timeout: Duration) -> Result<Client, ConnectError> {
    let failed = |source| ConnectError::Client { path: kubeconfig.into(), source: Box::new(source) };
    let mut config = config(kubeconfig, timeout).await?;
    config.read_timeout = None;
    Client::try_from(config).map_err(failed)
}

async fn config(kubeconfig: &Path, timeout: Duration) -> Result<Config, ConnectError> {
    let bad = |source| ConnectError::Config { path: kubeconfig.into(), source };
    let file = Kubeconfig::read_from(kubeconfig).map_err(bad)?;
    let mut config =
        Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await.map_err(bad)?;
    config.default_retry = false;
    (config.connect_timeout, config.read_timeout) = (Some(timeout), Some(timeout));
    Ok(config)
}

/// Connects to any API server with the same identity.
pub struct ByAddress(Config);

impl ByAddress {
    pub async fn new(kubeconfig: &Path, timeout: Duration) -> Result<Self, ConnectError> {
        let mut config = config(kubeconfig, timeout).await?;
        // The server's name is the address that it is asked at.
        config.tls_server_name = None;
        Ok(Self(config))
    }
}

impl Servers for ByAddress {
    fn at(&self, endpoint: &str) -> Result<Client, String> {
        let mut config = self.0.clone();
        config.cluster_url = format!("https://{endpoint}").parse().map_err(|e| format!("{endpoint}: {e}"))?;
        Client::try_from(config).map_err(|e| super::api::causes(&e))
    }
}
