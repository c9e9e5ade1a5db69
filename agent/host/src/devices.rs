//! Who uses the node's devices: processes that have device files open, and pods to which the kubelet has allocated devices. This port only
//! looks; `podlift_agent::interlock` decides who of them may be there.

use async_trait::async_trait;
use std::collections::{BTreeMap, BTreeSet};

/// A process that has a file of a device open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holder {
    pub pid: u32,
    /// The words of its command line, or its name.
    pub command: String,
    /// The text of its `/proc/PID/cgroup`; empty if it ended meanwhile.
    pub cgroup: String,
    /// Paths of the device files, e.g. `/dev/nvidia0`.
    pub devices: BTreeSet<String>,
}

/// The result of one look at all processes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holders {
    pub found: Vec<Holder>,
    /// Why the files of a process can't be seen, by the first such process. Processes that ended during the look don't count.
    pub unseen: Option<String>,
}

/// What the kubelet has allocated to one pod. A pod without devices has no allocation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allocation {
    pub namespace: String,
    pub pod: String,
    /// Ids of the devices by resource, e.g. `nvidia.com/gpu`. A claim of dynamic resources is `claim NAMESPACE/NAME`, with devices as
    /// `DRIVER/POOL/DEVICE`.
    pub devices: BTreeMap<String, BTreeSet<String>>,
}

#[async_trait]
pub trait Devices: Send + Sync {
    /// Processes that have device files of GPUs or InfiniBand open.
    async fn holders(&self) -> Holders;
    /// Allocations by the kubelet's pod-resources socket. The error says why the socket has no answer.
    async fn allocations(&self) -> Result<Vec<Allocation>, String>;
}
