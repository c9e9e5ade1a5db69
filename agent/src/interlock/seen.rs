//! What the node shows of its devices in one look: which it has, what the kubelet allocated, and which processes hold them, by their open
//! files and by NVML's list.

use crate::node::Node;
use podlift_host::{Allocation, Files, Holder, Holders, paths};
use podlift_tools::crictl::{self, Sandbox};
use podlift_tools::nvidia_smi::{self, Compute};
use podlift_tools::{systemctl, whole};
use std::path::Path;

/// The mark of a device that is known by NVML's list alone.
const LISTED: &str = "(by NVML's list)";

/// One look.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The driver of NVIDIA's GPUs is loaded, which it is only on a node that has one.
    pub nvidia: bool,
    pub allocations: Result<Vec<Allocation>, String>,
    /// systemd's state of the kubelet; asked only if there are no allocations to read.
    pub kubelet: Option<Result<String, String>>,
    /// Empty on a node without GPUs and InfiniBand.
    pub holders: Holders,
    /// Why NVML's list can't be known. Its processes are among `holders`.
    pub unlisted: Option<String>,
    /// All sandboxes of the node; asked only if something may be held.
    pub sandboxes: Result<Vec<Sandbox>, String>,
}

/// Looks at the node. A node without GPUs, InfiniBand and allocations costs one question to the kubelet.
pub async fn look(node: &Node) -> Seen {
    let files = node.host.files.as_ref();
    let nvidia = has_nvidia(files);
    let mut holders = match nvidia || has_infiniband(files) {
        true => node.host.devices.holders().await,
        false => Holders::default(),
    };
    let unlisted = match nvidia {
        true => nvidia_smi::compute(&node.host).await.map(|list| join(files, &mut holders, list)).err(),
        false => None,
    };
    let allocations = node.host.devices.allocations().await;
    let kubelet = match &allocations {
        Err(_) if nvidia => Some(systemctl::kubelet_state(&node.host).await.map_err(whole)),
        _ => None,
    };
    let used = !holders.found.is_empty() || allocations.as_ref().is_ok_and(|all| !all.is_empty());
    let sandboxes = match used {
        true => crictl::sandboxes(&node.host).await.map_err(whole),
        false => Ok(Vec::new()),
    };
    Seen { nvidia, allocations, kubelet, holders, unlisted, sandboxes }
}

/// Adds the processes that NVML lists and whose open files show no device. One without a control group may have ended meanwhile: a later
/// look then has it no more.
fn join(files: &dyn Files, holders: &mut Holders, list: Option<Vec<Compute>>) {
    for Compute { pid, name, gpu } in list.into_iter().flatten() {
        let device = format!("{gpu} {LISTED}");
        let known = holders.found.iter_mut().find(|holder| holder.pid == pid);
        match known {
            Some(holder) if holder.devices.iter().all(|d| d.ends_with(LISTED)) => {
                holder.devices.insert(device);
            }
            Some(_) => {}
            None => {
                let cgroup = files.read(Path::new(&format!("/proc/{pid}/cgroup"))).unwrap_or_default();
                let cgroup = String::from_utf8_lossy(&cgroup).into_owned();
                holders.found.push(Holder { pid, command: name, cgroup, devices: [device].into() });
            }
        }
    }
}

/// By the kernel's list of drivers, because the agent's own /dev has no devices (`PrivateDevices=yes`).
fn has_nvidia(files: &dyn Files) -> bool {
    let listed = files.read(Path::new(paths::PROC_DEVICES)).unwrap_or_default();
    let listed = String::from_utf8_lossy(&listed);
    let mut names = listed.lines().filter_map(|line| line.split_whitespace().nth(1));
    names.any(|name| name == "nvidia" || name.starts_with("nvidia-"))
}

fn has_infiniband(files: &dyn Files) -> bool {
    files.list(Path::new(paths::INFINIBAND)).is_ok_and(|names| !names.is_empty())
}
