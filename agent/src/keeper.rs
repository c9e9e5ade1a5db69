//! The heal and its dependencies. They are opened first and separately, so that no problem with certificates, configuration, ledger or
//! machine stops the heal. If its memory can't be trusted or written, the heal only observes and reports why.
//!
//! The state directory must be on the file system of /etc/kubernetes unless `allow_other_filesystem` is set. If its own file system were
//! full, read-only or lost, the agent could write manifests without remembering that it did.
//!
//! The parts of the agent start separately (`keeper`, `setup`, `down`): the heal first, with the part of the configuration that parses;
//! then identity, ledger and session, each with its reason if it stays down. A ledger record of a newer podlift is kept byte for byte, its
//! op counts as Indeterminate, and the ledger is not compacted while it contains one.

use crate::down::{Down, Downs, Part};
use crate::kubelet_user::{self, KUBELET_CONF};
use crate::ledger::{Owner, owner};
use crate::{config, learn, pulse, start};
use podlift_heal::{self, Heal};
use podlift_host::paths;
use podlift_host::{Files, Host};
use podlift_model::{BootId, NodeName};
use std::path::Path;
use std::sync::Arc;
use tokio::time::Instant;

pub(crate) struct Keeper {
    pub host: Host,
    pub heal: Arc<Heal>,
    pub downs: Downs,
}

/// A file that is written and removed as a test that the memory is writable.
const PROBE: &str = ".kept";

impl Keeper {
    pub fn open(
        host: Host,
        settings: config::Heal,
        node: &NodeName,
        allow_other_filesystem: bool,
    ) -> Arc<Self> {
        let downs = Downs::default();
        let opened = memory(host.files.as_ref(), node, allow_other_filesystem).and_then(|boot| {
            Heal::open(host.clone(), settings.clone(), node.clone(), boot).map_err(|e| lost("state", &e))
        });
        let heal = opened.unwrap_or_else(|down| {
            downs.set(Part::HealMemory, down);
            let boot = boot_id(host.files.as_ref()).unwrap_or_else(|_| unknown_boot());
            Heal::without_memory(host.clone(), settings, node.clone(), boot)
        });
        Arc::new(Self { host, heal: Arc::new(heal), downs })
    }
}

impl Keeper {
    /// Heals until it is dropped, and sends systemd the pulse of this process.
    pub async fn heal(&self, origin: Option<Instant>) {
        podlift_heal::watch(&self.heal, origin, pulse::beat).await;
    }

    /// Answers the heal's questions to the container runtime, whatever else is down.
    pub async fn answer(&self) {
        learn::answer_runtime(&self.host, &self.heal).await;
    }
}

fn lost(why: &'static str, error: &dyn std::fmt::Display) -> Down {
    Down::new(
        why,
        format!(
            "the heal only observes, because its memory below {} can't be used: {error}; mend that and restart the agent",
            paths::HEAL
        ),
    )
}

/// Checks that the memory on this disk may be used. Returns the boot to which it is bound.
fn memory(files: &dyn Files, node: &NodeName, allow_other_filesystem: bool) -> Result<BootId, Down> {
    start::one_file_system(files, allow_other_filesystem).map_err(|e| lost("filesystem", &e))?;
    let probe = paths::heal(PROBE);
    files.write(&probe, b"", 0o600).and_then(|()| files.remove(&probe)).map_err(|e| lost("state", &e))?;
    own(files, node)?;
    boot_id(files).map_err(|e| lost("boot-id", &e))
}

/// Checks that the memory was learned on this machine. If the machine id has changed, the node's name in the kubelet's certificate proves
/// it.
fn own(files: &dyn Files, node: &NodeName) -> Result<(), Down> {
    let Some(Owner { node: theirs, machine }) = owner(files) else { return Ok(()) };
    let Ok(now) = id(files, paths::MACHINE_ID) else { return Ok(()) };
    if machine == now {
        return Ok(());
    }
    let kubelet = kubelet_user::node_name(files);
    if theirs == *node && kubelet.as_deref() == Some(node.as_str()) {
        tracing::warn!(
            before = machine,
            now,
            "another machine id; the kubelet's certificate is this node's, so the heal goes on"
        );
        return Ok(());
    }
    let kubelet = kubelet.map_or("names no node".to_string(), |name| format!("names node {name}"));
    Err(Down::new(
        "machine-id",
        format!(
            "the heal only observes: what it remembers is of node {theirs} on machine {machine}, this is {node} on {now}, and {KUBELET_CONF} {kubelet}; a cloned disk? Remove {} if this machine is new and restart the agent",
            paths::STATE
        ),
    ))
}

pub(crate) fn boot_id(files: &dyn Files) -> Result<BootId, String> {
    BootId::new(id(files, paths::BOOT_ID)?).map_err(|e| e.to_string())
}

/// The text of a file of one line, trimmed; an error if it is empty.
pub(crate) fn id(files: &dyn Files, path: &str) -> Result<String, String> {
    let bytes = files.read(Path::new(path)).map_err(|e| e.to_string())?;
    let text = String::from_utf8_lossy(&bytes).trim().to_string();
    if text.is_empty() { Err("it is empty".into()) } else { Ok(text) }
}

/// A boot id for which no guard was ever armed.
fn unknown_boot() -> BootId {
    #[expect(clippy::unwrap_used, reason = "a constant that is valid")]
    BootId::new("unknown").unwrap()
}

#[cfg(test)]
#[path = "keeper_tests.rs"]
mod tests;
