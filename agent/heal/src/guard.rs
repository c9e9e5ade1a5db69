//! When hygiene may act: the armed guard of a run, with its end on the boot clock. The guard is on the disk and does not outlive a reboot.
//! After a reboot hygiene only reports, while rescue continues.
//!
//! Hygiene does not touch content that was there when the guard was armed. Its repair would restart an API server before kubeadm does, and
//! kubeadm could take the new hash for its own work. Hygiene repairs content that kubeadm writes afterwards.

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
    /// The same on the wall clock at the time of arming, for people.
    #[serde(default)]
    pub until_wall: Option<Timestamp>,
    /// The manifests at the time of arming. Hygiene leaves them alone, because a repair would restart the component before kubeadm does,
    /// and kubeadm would take that for its own work. A file that kubeadm writes afterwards has another hash.
    pub as_armed: BTreeMap<Component, Digest>,
    /// Losses that the run intends.
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
