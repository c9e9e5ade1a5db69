//! Which hash the kubelet gave to which content of a manifest, as was seen when a pod was made after its file's last change. So that a
//! comment, a chmod or a restart of the agent does not make a running manifest unknown. On the disk, a few of each component.

use crate::expectations::{load, save};
use podlift_host::Files;
use podlift_model::Digest;
use podlift_model::op::Component;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;

/// Kept of each component.
const KEPT: usize = 8;
const PAIRS: &str = "pairs.json";

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Pairs(BTreeMap<Component, Vec<Pair>>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pair {
    /// Of what the kubelet decodes.
    pub content: Digest,
    /// `kubernetes.io/config.hash`.
    pub config: String,
}

pub(crate) fn load_pairs(files: &dyn Files) -> Pairs {
    load(files, PAIRS).unwrap_or_default()
}

impl Pairs {
    pub fn know(&self, component: Component, pair: &Pair) -> bool {
        self.0.get(&component).is_some_and(|all| all.contains(pair))
    }

    /// With one more, newest first; the oldest goes.
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
