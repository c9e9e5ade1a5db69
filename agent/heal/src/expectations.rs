//! What this node's API server manifest must contain, learned while that API server was Ready. On the disk, so that nothing else is needed
//! to heal. Only `adopt` writes here.

use jiff::Timestamp;
use podlift_host::Files;
use podlift_host::paths;
use podlift_model::Digest;
use podlift_model::facts::ExpectationFacts;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::io;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expectations {
    /// Value of `--etcd-servers`, word for word.
    pub etcd_servers: String,
    /// Id of the cluster that answered there; None: no tool could ask.
    pub etcd_cluster: Option<String>,
    /// The API server's manifest that was Ready with this.
    pub learned_from: Digest,
    pub at: Timestamp,
}

impl Expectations {
    pub fn facts(&self) -> ExpectationFacts {
        ExpectationFacts {
            etcd_servers: self.etcd_servers.split(',').map(String::from).collect(),
            etcd_cluster: self.etcd_cluster.clone(),
            learned_from: self.learned_from.clone(),
        }
    }
}

const EXPECTATIONS: &str = "expectations.json";
const EXEMPT: &str = "exempt.json";

/// Reads a JSON file of the heal; None where there is none. One that can't be read counts as none, and is said.
fn load<T: serde::de::DeserializeOwned>(files: &dyn Files, name: &str) -> Option<T> {
    let path = paths::heal(name);
    let bytes = match files.read(&path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return None,
        other => other,
    };
    let parsed = bytes.and_then(|b| Ok(serde_json::from_slice(&b)?));
    parsed.inspect_err(|error| tracing::warn!(path = %path.display(), %error, "ignored: can't be read")).ok()
}

fn save<T: Serialize>(files: &dyn Files, name: &str, value: &T) -> io::Result<()> {
    files.write(&paths::heal(name), &serde_json::to_vec(value)?, 0o600)
}

pub(crate) fn load_expectations(files: &dyn Files) -> Option<Expectations> {
    load(files, EXPECTATIONS)
}

pub(crate) fn save_expectations(files: &dyn Files, value: &Expectations) -> io::Result<()> {
    save(files, EXPECTATIONS, value)
}

/// Hashes of manifests that a rollback restored: they are what somebody wants, whatever the rules say.
pub(crate) fn load_exempt(files: &dyn Files) -> BTreeSet<Digest> {
    load(files, EXEMPT).unwrap_or_default()
}

pub(crate) fn save_exempt(files: &dyn Files, value: &BTreeSet<Digest>) -> io::Result<()> {
    save(files, EXEMPT, value)
}
