//! The kubelet's hash for each content of a manifest, as observed when a pod was made after its file's last change. With it the heal
//! recognises a running manifest after a new comment, a chmod or a restart of the agent. A few pairs of each component are on the disk.

use crate::expectations::{load, save};
use podlift_host::Files;
use podlift_model::Digest;
use podlift_model::op::Component;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;

/// Number of pairs kept of each component.
const KEPT: usize = 8;
const PAIRS: &str = "pairs.json";

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Pairs(BTreeMap<Component, Vec<Pair>>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pair {
    /// Hash of what the kubelet decodes.
    pub content: Digest,
    /// Annotation `kubernetes.io/config.hash`.
    pub config: String,
}

pub(crate) fn load_pairs(files: &dyn Files) -> Pairs {
    load(files, PAIRS).unwrap_or_default()
}

impl Pairs {
    pub fn know(&self, component: Component, pair: &Pair) -> bool {
        self.0.get(&component).is_some_and(|all| all.contains(pair))
    }

    /// The pairs with one more, newest first. The oldest is dropped.
    pub fn with(&self, component: Component, pair: Pair) -> Self {
        let mut next = self.clone();
        let all = next.0.entry(component).or_default();
        all.retain(|known| *known != pair);
        all.insert(0, pair);
        all.truncate(KEPT);
        next
    }

    pub fn save(&self, files: &dyn Files) -> io::Result<()> {
        save(files, PAIRS, self)
    }
}
