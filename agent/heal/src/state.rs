//! What the heal knows in memory, besides what is on the disk.

use crate::expectations::{self, Expectations};
use crate::guard::{self, Guard};
use crate::manifest::Manifest;
use crate::notices::Notices;
use crate::pairs::{Pairs, load_pairs};
use crate::read::Look;
use crate::ring::{self, Ring};
use crate::runtime::Evidence;
use crate::strays::Stray;
use podlift_host::Files;
use podlift_model::Digest;
use podlift_model::heal::HealUnlearned;
use podlift_model::op::{Component, FlagLoss};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

#[derive(Default)]
pub(crate) struct State {
    pub guard: Option<Guard>,
    pub expectations: Option<Expectations>,
    /// Losses that a run intends, until a manifest without these flags was learned.
    pub meant: Vec<FlagLoss>,
    /// Contents, and the kubelet's hashes of them.
    pub pairs: Pairs,
    /// Answers of the runtime about files that can't be read.
    pub evidence: BTreeMap<Component, Evidence>,
    /// When the runtime was last asked about a component, on the boot clock.
    pub asked: BTreeMap<Component, Duration>,
    /// Why nothing could be learned, and since when.
    pub unlearned: BTreeMap<Component, Unlearned>,
    pub exempt: BTreeSet<Digest>,
    pub ring: Ring,
    /// The newest copy of the ring, parsed.
    pub good: BTreeMap<Component, Manifest>,
    /// Number of kubeadm units that run now.
    pub kubeadm: usize,
    /// Components whose manifest was not seen since a kubeadm ended.
    pub ended: BTreeSet<Component>,
    /// Files as last read. They are not read again until something changes.
    pub looks: BTreeMap<Component, Arc<Look>>,
    pub strays: Strays,
    pub notices: Notices,
}

/// Since when nothing could be learned of a component.
pub(crate) struct Unlearned {
    pub told: HealUnlearned,
    /// The same on the boot clock.
    pub since: Duration,
}

/// Second files for a pod, from the last search of the folder.
#[derive(Default)]
pub(crate) struct Strays {
    /// Inode, ctime and size of the folder at that search; `None` makes the next look search again.
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
            meant: expectations::load_meant(files),
            pairs: load_pairs(files),
            ring,
            ..Self::default()
        };
        for component in Component::ALL {
            state.parse_newest(files, *component);
        }
        state
    }

    /// Parses the newest copy again after the ring has changed.
    pub fn parse_newest(&mut self, files: &dyn Files, component: Component) {
        let newest = self.ring.newest(component);
        let bytes = newest.and_then(|good| ring::copy(files, component, &good.sha256));
        match bytes.and_then(|bytes| Manifest::parse(component, &bytes).ok()) {
            Some(manifest) => drop(self.good.insert(component, manifest)),
            None => drop(self.good.remove(&component)),
        }
    }
}
