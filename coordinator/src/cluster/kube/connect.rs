//! A client from a kubeconfig file: podlift's own identity with least rights, never admin.conf.

use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("kubeconfig {path} can't be used: {source}; set kubernetes.kubeconfig", path = path.display())]
    Config { path: PathBuf, source: KubeconfigError },
    #[error("kubeconfig {path}: no client can be made of it: {source}", path = path.display())]
    Client { path: PathBuf, source: Box<kube::Error> },
}

/// Does not dial yet.
pub async fn connect(kubeconfig: &Path, timeout: Duration) -> Result<Client, ConnectError> {
    let bad = |source| ConnectError::Config { path: kubeconfig.into(), source };
    let file = Kubeconfig::read_from(kubeconfig).map_err(bad)?;
    let mut config =
        Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await.map_err(bad)?;
    config.default_retry = false;
    (config.connect_timeout, config.read_timeout) = (Some(timeout), Some(timeout));
    let failed = |source| ConnectError::Client { path: kubeconfig.into(), source: Box::new(source) };
    Client::try_from(config).map_err(failed)
}
