//! What the parts of one agent share. No behaviour of its own.

use crate::config::Config;
use crate::heal::Heal;
use crate::host::Host;
use crate::ledger::Ledger;
use crate::metrics::Meters;
use crate::start;
use crate::units::Units;
use podlift_model::{BootId, MachineId, OpId};
use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use tokio::time::Instant;

pub(crate) struct Node {
    pub host: Host,
    pub config: Config,
    pub boot: BootId,
    pub machine: MachineId,
    pub ledger: Arc<dyn Ledger>,
    pub heal: Arc<Heal>,
    pub units: Units,
    /// Ops that run now, with their verbs.
    pub running: Mutex<BTreeMap<OpId, &'static str>>,
    /// Grows with every mutation that ended: what was known of the node may be old.
    pub changes: AtomicU64,
    pub meters: Meters,
    /// Held by whoever works in the private apt root: two calls there would meet at apt's own locks.
    pub apt_root: tokio::sync::Mutex<()>,
    /// Held while one of BCM's tools runs.
    pub bcm: Arc<tokio::sync::Mutex<()>>,
    /// Held by whoever encrypts or reads a secret of a backup.
    pub spool: tokio::sync::Mutex<()>,
    /// What heartbeats are in step with.
    pub origin: Option<Instant>,
}

impl Node {
    /// By its configuration, or by what is remembered of it.
    pub fn is_control_plane(&self) -> bool {
        start::is_control_plane(self.config.role, self.heal.expectations().is_some())
    }

    pub fn running_ops(&self) -> Vec<OpId> {
        self.running.lock().unwrap_or_else(std::sync::PoisonError::into_inner).keys().cloned().collect()
    }

    /// Whether a kubeadm unit runs.
    pub fn kubeadm_running(&self) -> bool {
        let running = self.running.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        running.values().any(|verb| verb.starts_with("kubeadm-") || *verb == "kubelet-config")
    }

    pub fn set_running(&self, op: &OpId, verb: Option<&'static str>) {
        let mut running = self.running.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match verb {
            Some(verb) => drop(running.insert(op.clone(), verb)),
            None => drop(running.remove(op)),
        }
    }
}
