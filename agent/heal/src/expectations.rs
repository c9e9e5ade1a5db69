//! What this node's API server manifest must contain, learned while that API server was Ready. The expectations are on the disk, so that a
//! repair needs nothing else. Only `adopt` and `learn` change them.

use crate::why::accept;
use jiff::Timestamp;
use podlift_host::Files;
use podlift_host::paths;
use podlift_model::Digest;
use podlift_model::facts::ExpectationFacts;
use podlift_model::op::{Component, FlagLoss};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::io;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expectations {
    /// Value of `--etcd-servers`, word for word.
    pub etcd_servers: String,
    /// Id of the cluster that answered there; `None` if no tool could ask.
    pub etcd_cluster: Option<String>,
    /// `--etcd-servers-overrides` and `--etcd-prefix`; `None` if the manifest does not set the flag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etcd_overrides: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etcd_prefix: Option<String>,
    /// Why the heal may not repair from these endpoints. Only evidence that they are right lifts the prohibition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forbidden: Option<Forbidden>,
    /// The manifest with which the API server was Ready.
    pub learned_from: Digest,
    pub at: Timestamp,
}

/// Evidence that a person moved or restored etcd.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Forbidden {
    /// The endpoints answered as the cluster with this id.
    AnotherCluster { id: String },
    /// The manifest on the disk named these endpoints.
    OtherEndpoints { named: String },
}

impl Expectations {
    pub fn facts(&self) -> ExpectationFacts {
        ExpectationFacts {
            etcd_servers: self.etcd_servers.split(',').map(String::from).collect(),
            etcd_cluster: self.etcd_cluster.clone(),
            learned_from: self.learned_from.clone(),
        }
    }

    /// Whether a manifest of this node may be pointed to these endpoints, or why not.
    pub fn may_heal(&self, node: &str) -> Result<(), String> {
        match (&self.forbidden, &self.etcd_cluster) {
            (Some(why), _) => Err(self.prohibition(why, node)),
            (None, None) => Err(format!(
                "the id of the cluster behind these endpoints is not known yet ({}): it is asked for until etcd answers",
                self.etcd_servers
            )),
            (None, Some(_)) => Ok(()),
        }
    }

    /// The prohibition in words, and what lifts it.
    pub fn prohibition(&self, why: &Forbidden, node: &str) -> String {
        let accept = accept(node, Component::KubeApiserver);
        let lifted = format!("lifted when the API server is Ready on the expected cluster, or by {accept}");
        let seen = match why {
            Forbidden::AnotherCluster { id } => format!(
                "etcd answered as cluster {id}, expected {} at {}",
                self.etcd_cluster.as_deref().unwrap_or("another"),
                self.etcd_servers
            ),
            Forbidden::OtherEndpoints { named } => {
                format!("the manifest named the endpoints {named}, expected {}", self.etcd_servers)
            }
        };
        format!("{seen}: somebody moved or restored etcd ({lifted})")
    }

    /// Whether these are the expected endpoints, in any order.
    pub fn are_same(&self, servers: &str) -> bool {
        endpoints(servers) == endpoints(&self.etcd_servers)
    }
}

/// Endpoints as a set without trailing slashes. A word that is no endpoint, such as a flag in the value's place, is left out.
pub fn endpoints(servers: &str) -> BTreeSet<String> {
    let clean = |item: &str| item.trim().trim_end_matches('/').to_string();
    servers.split(',').map(clean).filter(|e| !e.is_empty() && !e.starts_with('-')).collect()
}

const EXPECTATIONS: &str = "expectations.json";
const EXEMPT: &str = "exempt.json";
const MEANT: &str = "meant.json";

/// Reads a JSON file of the heal; `None` if it does not exist. A file that can't be read is logged and counts as absent.
pub(crate) fn load<T: serde::de::DeserializeOwned>(files: &dyn Files, name: &str) -> Option<T> {
    let path = paths::heal(name);
    let bytes = match files.read(&path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return None,
        other => other,
    };
    let parsed = bytes.and_then(|b| Ok(serde_json::from_slice(&b)?));
    parsed.inspect_err(|error| tracing::warn!(path = %path.display(), %error, "ignored: can't be read")).ok()
}

pub(crate) fn save<T: Serialize>(files: &dyn Files, name: &str, value: &T) -> io::Result<()> {
    files.write(&paths::heal(name), &serde_json::to_vec(value)?, 0o600)
}

pub(crate) fn load_expectations(files: &dyn Files) -> Option<Expectations> {
    load(files, EXPECTATIONS)
}

pub(crate) fn save_expectations(files: &dyn Files, value: &Expectations) -> io::Result<()> {
    save(files, EXPECTATIONS, value)
}

/// Hashes of manifests that a rollback restored. They are exempt from all rules.
pub(crate) fn load_exempt(files: &dyn Files) -> BTreeSet<Digest> {
    load(files, EXEMPT).unwrap_or_default()
}

pub(crate) fn save_exempt(files: &dyn Files, value: &BTreeSet<Digest>) -> io::Result<()> {
    save(files, EXEMPT, value)
}

/// Losses that a run intends and that no learned manifest shows yet.
pub(crate) fn load_meant(files: &dyn Files) -> Vec<FlagLoss> {
    load(files, MEANT).unwrap_or_default()
}

pub(crate) fn save_meant(files: &dyn Files, value: &[FlagLoss]) -> io::Result<()> {
    save(files, MEANT, &value)
}
