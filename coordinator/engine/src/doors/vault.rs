//! The vault: the coordinator's own store of sealed backups, off the nodes.

use podlift_model::{NodeName, RunId};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VaultLook {
    /// The sealed set of a run, verified again. The reply is `None` if there is no set yet.
    Backup { run: RunId },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VaultAct {
    /// Collects the run's set from these nodes and from the cluster, and seals it. A set that is sealed already is verified. A missing or
    /// empty member is an error that names it.
    Collect { run: RunId, nodes: Vec<NodeName> },
}
