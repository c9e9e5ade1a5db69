//! Copies of TLS secrets on this host, encrypted, and which object the open run has seen under each name. They outlive the coordinator.

use super::keeper::Name;
use crate::cluster::{SecretCopy, wipe};
use podlift_backup::HostCopies;
use podlift_model::RunId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::io;
use std::path::Path;
use zeroize::Zeroizing;

pub(super) struct Stored(HostCopies);

/// The object of the copy, as this run has seen it.
#[derive(Serialize, Deserialize)]
struct Seen {
    run: RunId,
    uid: String,
}

impl Stored {
    /// `None` where the directory can't be used.
    pub fn open(dir: &Path) -> Option<Self> {
        match HostCopies::open(dir) {
            Ok(copies) => Some(Self(copies)),
            Err(error) => {
                tracing::warn!(dir = %dir.display(), %error, "copies of TLS secrets are kept in memory alone");
                None
            }
        }
    }

    pub fn copy(&self, name: &Name) -> Option<SecretCopy> {
        let mut object: Value = serde_json::from_slice(&self.read(&of_copy(name))?).ok()?;
        let copy = SecretCopy::of(&object);
        wipe(&mut object);
        copy
    }

    pub fn keep(&self, name: &Name, copy: &SecretCopy) {
        // Each list of a watch brings it again.
        if self.copy(name).is_none_or(|stored| stored.json() != copy.json()) {
            self.write(&of_copy(name), copy.json());
        }
    }

    /// Uid of the object of the copy; `None` if this run has not seen it.
    pub fn seen(&self, run: &RunId, name: &Name) -> Option<String> {
        let seen: Seen = serde_json::from_slice(&self.read(&of_seen(name))?).ok()?;
        (seen.run == *run).then_some(seen.uid)
    }

    pub fn saw(&self, run: &RunId, name: &Name, uid: &str) {
        let seen = Seen { run: run.clone(), uid: uid.to_string() };
        match serde_json::to_vec(&seen) {
            Ok(bytes) => self.write(&of_seen(name), &bytes),
            Err(error) => told(&of_seen(name), &error.into()),
        }
    }

    fn read(&self, key: &str) -> Option<Zeroizing<Vec<u8>>> {
        self.0.get(key).inspect_err(|error| told(key, error)).ok().flatten().map(Zeroizing::new)
    }

    fn write(&self, key: &str, bytes: &[u8]) {
        self.0.put(key, bytes).inspect_err(|error| told(key, error)).ok();
    }
}

fn told(key: &str, error: &io::Error) {
    tracing::warn!(key, %error, "the stored copy of this TLS secret can't be used: the one in memory counts");
}

fn of_copy((namespace, name): &Name) -> String {
    format!("{namespace}/{name}")
}

/// No name of the cluster has a space.
fn of_seen((namespace, name): &Name) -> String {
    format!("seen {namespace}/{name}")
}
