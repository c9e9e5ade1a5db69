//! State that the parts of one agent share. It has no behaviour of its own.

use crate::aside::Aside;
use crate::config::Config;
use crate::ledger::Ledger;
use crate::metrics::Meters;
use crate::start;
use crate::units::Units;
use podlift_heal::Heal;
use podlift_host::{Host, paths};
use podlift_model::op::Component;
use podlift_model::{BootId, MachineId, OpId};
use podlift_tools::survey::Surveyed;
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
    /// The ops that run now, with their verbs.
    pub running: Mutex<BTreeMap<OpId, &'static str>>,
    /// Grows with every mutation that ended, because cached facts of the node may then be out of date.
    pub changes: AtomicU64,
    pub meters: Meters,
    /// What is known of the table with which the API server steps aside.
    pub aside: Aside,
    /// Held during work in the private apt root: two concurrent calls there would conflict over apt's own locks.
    pub apt_root: tokio::sync::Mutex<()>,
    /// Held while one of BCM's tools runs.
    pub bcm: Arc<tokio::sync::Mutex<()>>,
    /// Held while a secret of a backup is encrypted or read.
    pub spool: tokio::sync::Mutex<()>,
    /// The instant with which heartbeats are in step.
    pub origin: Option<Instant>,
}

impl Node {
    /// By its configuration, or by what its heal has learned.
    pub fn is_control_plane(&self) -> bool {
        start::is_control_plane(self.config.role, self.heal.expectations().is_some())
    }

    /// True for a node without control plane: it has no manifest of the API server, and its configuration and memory name none.
    pub fn is_worker(&self) -> bool {
        let manifest = paths::manifest(Component::KubeApiserver);
        !self.is_control_plane() && self.host.files.stat(&manifest).is_err()
    }

    /// This node for a survey, or a part of one.
    pub fn surveyed(&self) -> Surveyed<'_> {
        Surveyed {
            host: &self.host,
            apt_root: &self.apt_root,
            control_plane: self.is_control_plane(),
            free_bytes: self.config.ops.free_bytes,
        }
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
