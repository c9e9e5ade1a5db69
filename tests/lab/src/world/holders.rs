//! Processes beside Kubernetes that use a node's GPUs.

use super::core::World;
use podlift_agent::host::devices::Holder;

/// The kernel's list of drivers on a node with GPUs, shortened.
const DRIVERS: &str = "Character devices:\n  1 mem\n195 nvidia\n195 nvidia-modeset\n234 nvidia-caps\n\nBlock devices:\n259 blkext\n";

impl World {
    /// A process of this control group has the node's first GPU open.
    pub fn hold_gpu(&self, node: &str, pid: u32, command: &str, cgroup: &str) -> std::io::Result<()> {
        self.disk(node).put_text("/proc/devices", DRIVERS, 0o444)?;
        let devices = ["/dev/nvidia0", "/dev/nvidiactl"].map(String::from).into();
        let holder = Holder { pid, command: command.into(), cgroup: format!("0::{cgroup}\n"), devices };
        self.update(|s| s.node_mut(node).holders.push(holder));
        Ok(())
    }

    /// All such processes of the node have ended.
    pub fn release_gpus(&self, node: &str) {
        self.update(|s| s.node_mut(node).holders.clear());
    }
}
