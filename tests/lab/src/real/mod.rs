//! A real etcd and a real kube-apiserver for tests, where `KUBEBUILDER_ASSETS` names a folder with both: setup-envtest of controller-runtime makes
//! such folders.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)] // only tests use it; it starts programs and writes their files

mod certs;
mod pair;
mod process;

pub use pair::Pair;

use std::path::PathBuf;

/// The folder; `None` where the variable is not set, and then the caller says that it has asked no real API server.
pub fn assets() -> Option<PathBuf> {
    let folder = std::env::var_os("KUBEBUILDER_ASSETS");
    if folder.is_none() {
        println!("KUBEBUILDER_ASSETS is not set: only the double was asked, no real API server");
    }
    folder.map(PathBuf::from)
}
