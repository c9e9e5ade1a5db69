//! Devices of this machine, by /proc and the kubelet's socket.

mod pod_resources;
mod proc;

use super::below;
use crate::paths;
use crate::{Allocation, Devices, Holder, Holders};
use async_trait::async_trait;
use std::path::{Path, PathBuf};

/// Beginnings of the paths of device files: GPUs with their control devices and MIG capabilities, and InfiniBand.
const DEVICES: [&str; 2] = ["/dev/nvidia", "/dev/infiniband/"];

pub struct RealDevices {
    proc: PathBuf,
    devices: Vec<PathBuf>,
    socket: PathBuf,
}

impl RealDevices {
    pub fn new(root: &Path) -> Self {
        let own = below(root, Path::new("/proc"));
        // A root other than / has no /proc of its own; the kernel is the same.
        let proc = if own.join("self").exists() { own } else { PathBuf::from("/proc") };
        let devices = DEVICES.iter().map(PathBuf::from).collect();
        Self { proc, devices, socket: below(root, Path::new(paths::POD_RESOURCES)) }
    }

    /// Other places: the folder of processes, the beginnings of device files, and the socket.
    pub fn at(proc: &Path, devices: Vec<PathBuf>, socket: &Path) -> Self {
        Self { proc: proc.into(), devices, socket: socket.into() }
    }
}

#[async_trait]
impl Devices for RealDevices {
    /// Reads some ten thousand links on a busy node, and therefore runs on a thread that may block.
    async fn holders(&self) -> Holders {
        let (proc, devices) = (self.proc.clone(), self.devices.clone());
        let look = tokio::task::spawn_blocking(move || proc::holders(&proc, &devices)).await;
        look.unwrap_or_else(|e| Holders { found: Vec::new(), unseen: Some(e.to_string()) })
    }

    async fn allocations(&self) -> Result<Vec<Allocation>, String> {
        pod_resources::list(&self.socket).await
    }
}

#[cfg(test)]
mod tests;
