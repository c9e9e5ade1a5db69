//! When hygiene may act: the armed guard of a run, with its end on the boot clock. It is on the disk and does not outlive a reboot: hygiene
//! then only reports, rescue goes on.
//!
//! Hygiene leaves content alone that was there when the guard was armed. A repair of it would restart an API server before kubeadm
//! does, and kubeadm could take the new hash for its own work. Content that kubeadm writes afterwards is healed.

use jiff::Timestamp;
use podlift_host::Files;
use podlift_host::paths;
use podlift_model::op::{Component, FlagLoss};
use podlift_model::{BootId, Digest, RunId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

const GUARD: &str = "guard.json";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guard {
    pub run: RunId,
    pub boot: BootId,
    /// On the boot clock.
    pub until: Duration,
    /// The same for people, as the wall clock was when it was armed.
    #[serde(default)]
    pub until_wall: Option<Timestamp>,
    /// The manifests as they were when it was armed. Hygiene leaves them alone: repairing one would restart its component ahead of
    /// kubeadm, which would take that for its own work. What kubeadm writes afterwards is another file.
    pub as_armed: BTreeMap<Component, Digest>,
    /// Losses that the run means.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<FlagLoss>,
}

impl Guard {
    pub fn armed(&self, boot: &BootId, now: Duration) -> bool {
        self.boot == *boot && now < self.until
    }
}

pub(crate) fn load(files: &dyn Files) -> Option<Guard> {
    let bytes = files.read(&paths::heal(GUARD)).ok()?;
    serde_json::from_slice(&bytes).ok()
}

pub(crate) fn save(files: &dyn Files, guard: Option<&Guard>) -> io::Result<()> {
    match guard {
        Some(guard) => files.write(&paths::heal(GUARD), &serde_json::to_vec(guard)?, 0o600),
        None => files.remove(&paths::heal(GUARD)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guard_ends_by_itself_and_with_the_boot() {
        let boot = |id: &str| BootId::new(id).unwrap();
        let guard = Guard {
            run: RunId::new("r").unwrap(),
            boot: boot("b1"),
            until: Duration::from_secs(10),
            until_wall: None,
            as_armed: BTreeMap::new(),
            allow: Vec::new(),
        };
        assert!(guard.armed(&boot("b1"), Duration::from_secs(9)));
        assert!(!guard.armed(&boot("b1"), Duration::from_secs(10)));
        assert!(!guard.armed(&boot("b2"), Duration::from_secs(1)));
    }
}
