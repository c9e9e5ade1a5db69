//! What the heal knows at the moment, besides what is on the disk.

use crate::expectations::{self, Expectations};
use crate::guard::{self, Guard};
use crate::manifest::Manifest;
use crate::read::Look;
use crate::ring::{self, Ring};
use crate::strays::Stray;
use podlift_host::Files;
use podlift_model::Digest;
use podlift_model::op::Component;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

#[derive(Default)]
pub(crate) struct State {
    pub guard: Option<Guard>,
    pub expectations: Option<Expectations>,
    /// The expected etcd endpoints answer as this other cluster.
    pub other_etcd: Option<String>,
    pub exempt: BTreeSet<Digest>,
    pub ring: Ring,
    /// The newest of the ring, parsed.
    pub good: BTreeMap<Component, Manifest>,
    /// kubeadm units that run now.
    pub kubeadm: usize,
    /// Not seen since a kubeadm ended.
    pub ended: BTreeSet<Component>,
    /// Files as they were read last: not read again until something changes.
    pub looks: BTreeMap<Component, Arc<Look>>,
    pub strays: Strays,
    /// Why a file could not be repaired when it was tried last.
    pub stuck: BTreeMap<String, String>,
    /// What was said of a file already.
    pub said: BTreeMap<String, Vec<String>>,
}

/// Second files for a pod, as the folder was looked through last.
#[derive(Default)]
pub(crate) struct Strays {
    /// The folder as it was then; None: look again.
    pub stamp: Option<(u64, i128, u64)>,
    pub found: Vec<Stray>,
}

impl State {
    pub fn load(files: &dyn Files) -> Self {
        let ring = Ring::load(files);
        let mut state = Self {
            guard: guard::load(files),
            expectations: expectations::load_expectations(files),
            exempt: expectations::load_exempt(files),
            ring,
            ..Self::default()
        };
        for component in Component::ALL {
            state.parse_newest(files, *component);
        }
        state
    }

    /// After the ring has changed.
    pub fn parse_newest(&mut self, files: &dyn Files, component: Component) {
        let newest = self.ring.newest(component);
        let bytes = newest.and_then(|good| ring::copy(files, component, &good.sha256));
        match bytes.and_then(|bytes| Manifest::parse(component, &bytes).ok()) {
            Some(manifest) => drop(self.good.insert(component, manifest)),
            None => drop(self.good.remove(&component)),
        }
    }
}
