//! The last good manifests, each with the hash of its bytes, the time when it was learned, and its image's version. The ring returns only
//! intact copies. On the disk are the copies, and one index that is replaced as a whole.

use podlift_host::Files;
use podlift_host::paths;
use podlift_model::heal::GoodManifest;
use podlift_model::op::Component;
use podlift_model::{Digest, KubeVersion};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

/// Number of copies kept of each component.
const KEPT: usize = 5;
const INDEX: &str = "good.json";

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ring {
    /// Newest first.
    good: BTreeMap<Component, Vec<GoodManifest>>,
    /// Version of the last manifest that could be read, good or not. A copy must have it to replace the manifest.
    #[serde(default)]
    last: BTreeMap<Component, KubeVersion>,
}

/// What the ring has for a manifest that must come back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Choice {
    #[default]
    None,
    /// The ring has only copies of other versions.
    Other {
        wanted: KubeVersion,
        newest: Option<KubeVersion>,
    },
    Copy(Digest),
}

impl Ring {
    pub fn load(files: &dyn Files) -> Self {
        let bytes = match files.read(&paths::heal(INDEX)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Self::default(),
            other => other,
        };
        let parsed = bytes.and_then(|b| Ok(serde_json::from_slice(&b)?));
        parsed
            .inspect_err(
                |error| tracing::warn!(%error, "the index of good manifests can't be read: begun anew"),
            )
            .unwrap_or_default()
    }

    fn save(&self, files: &dyn Files) -> io::Result<()> {
        files.write(&paths::heal(INDEX), &serde_json::to_vec(self)?, 0o600)
    }

    /// Keeps a copy and drops the oldest. A known copy becomes the newest.
    pub fn keep(
        &mut self,
        files: &dyn Files,
        component: Component,
        bytes: &[u8],
        good: GoodManifest,
    ) -> io::Result<()> {
        files.write(&path(component, &good.sha256), bytes, 0o600)?;
        let mut next = self.clone();
        let all = next.good.entry(component).or_default();
        all.retain(|g| g.sha256 != good.sha256);
        all.insert(0, good);
        let gone = all.split_off(all.len().min(KEPT));
        next.save(files)?;
        *self = next;
        gone.iter().try_for_each(|g| files.remove(&path(component, &g.sha256)))
    }

    pub fn of(&self, component: Component) -> &[GoodManifest] {
        self.good.get(&component).map_or(&[], Vec::as_slice)
    }

    pub fn newest(&self, component: Component) -> Option<&GoodManifest> {
        self.of(component).first()
    }

    /// The newest copy of the version that was there last, or the newest of all if that version is not known.
    pub fn choose(&self, component: Component) -> Choice {
        let Some(newest) = self.newest(component) else { return Choice::None };
        let Some(wanted) = self.last.get(&component) else { return Choice::Copy(newest.sha256.clone()) };
        match self.of(component).iter().find(|g| g.version == Some(*wanted)) {
            Some(good) => Choice::Copy(good.sha256.clone()),
            None => Choice::Other { wanted: *wanted, newest: newest.version },
        }
    }

    /// Records the version of a manifest that could be read.
    pub fn saw(&mut self, files: &dyn Files, component: Component, version: KubeVersion) -> io::Result<()> {
        if self.last.get(&component) == Some(&version) {
            return Ok(());
        }
        self.last.insert(component, version);
        self.save(files)
    }
}

/// The copy; `None` if it is missing or not intact.
pub fn copy(files: &dyn Files, component: Component, hash: &Digest) -> Option<Vec<u8>> {
    let bytes = files.read(&path(component, hash)).ok()?;
    (Digest::of(&bytes) == *hash).then_some(bytes)
}

fn path(component: Component, hash: &Digest) -> PathBuf {
    paths::heal("good").join(component.name()).join(format!("{hash}.yaml"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlift_host::testing::MemFiles;

    const API: Component = Component::KubeApiserver;

    fn keep(ring: &mut Ring, files: &MemFiles, text: &str, version: &str) {
        let (sha256, at) = (Digest::of(text), jiff::Timestamp::UNIX_EPOCH);
        let good = GoodManifest { sha256, at, version: version.parse().ok() };
        ring.keep(files, API, text.as_bytes(), good).unwrap();
    }

    #[test]
    fn keeps_the_last_few_and_chooses_by_version() {
        let files = MemFiles::default();
        let mut ring = Ring::load(&files);
        assert_eq!(ring.choose(API), Choice::None);
        for n in 0..KEPT {
            keep(&mut ring, &files, &format!("old {n}"), "v1.31.9");
        }
        keep(&mut ring, &files, "new", "v1.32.9");
        keep(&mut ring, &files, "old 4", "v1.31.9");
        assert_eq!(ring, Ring::load(&files), "all of it is on the disk");
        let texts = ["old 4", "new", "old 3", "old 2", "old 1"].map(Digest::of);
        assert_eq!(ring.of(API).iter().map(|g| g.sha256.clone()).collect::<Vec<_>>(), texts);
        assert_eq!(copy(&files, API, &Digest::of("old 0")), None, "the oldest is gone");
        assert_eq!(
            ring.choose(API),
            Choice::Copy(Digest::of("old 4")),
            "nothing is known of the last version"
        );
        ring.saw(&files, API, "v1.32.9".parse().unwrap()).unwrap();
        assert_eq!(Ring::load(&files).choose(API), Choice::Copy(Digest::of("new")));
        ring.saw(&files, API, "v1.32.13".parse().unwrap()).unwrap();
        let (wanted, newest) = ("v1.32.13".parse().unwrap(), "v1.31.9".parse().ok());
        assert_eq!(ring.choose(API), Choice::Other { wanted, newest });
    }

    #[test]
    fn a_damaged_copy_is_no_copy() {
        let files = MemFiles::default();
        let mut ring = Ring::default();
        keep(&mut ring, &files, "x", "v1.32.9");
        assert_eq!(copy(&files, API, &Digest::of("x")).unwrap(), b"x");
        files.put(path(API, &Digest::of("x")), b"y");
        assert_eq!(copy(&files, API, &Digest::of("x")), None);
    }
}
