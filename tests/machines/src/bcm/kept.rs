//! What an imageupdate may not touch, file by file: which inode it is, when it was changed, what it contains.

use podlift_model::Digest;
use podlift_model::bcm::{OF_IMAGE, PROTECTED};
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The agent writes there at any time.
const LIVE: &str = "/var/lib/podlift";
const LEDGER: &str = "/var/lib/podlift/ledger";

#[derive(Debug, Clone, PartialEq, Eq)]
struct Mark {
    inode: u64,
    changed: (i64, i64),
    mode: u32,
    content: Option<Digest>,
}

/// A machine's protected files at one moment.
pub struct Kept {
    files: BTreeMap<PathBuf, Mark>,
    ledger: Vec<u8>,
}

impl Kept {
    pub fn look(root: &Path) -> Self {
        let mut files = BTreeMap::new();
        let still = PROTECTED.iter().filter(|p| !OF_IMAGE.contains(p) && **p != LIVE);
        for path in still {
            walk(&root.join(path.trim_start_matches('/')), &mut files);
        }
        let ledger = std::fs::read(root.join(LEDGER.trim_start_matches('/'))).unwrap_or_default();
        Self { files, ledger }
    }

    /// How many files are protected.
    pub fn count(&self) -> usize {
        self.files.len()
    }

    /// What is not as it was. The ledger may have grown.
    pub fn differs(&self, now: &Self) -> Vec<String> {
        let gone = self.files.iter().filter(|(path, mark)| now.files.get(*path) != Some(*mark));
        let fresh = now.files.keys().filter(|path| !self.files.contains_key(*path));
        let mut all: Vec<String> = gone.map(|(path, _)| path).chain(fresh).map(|p| told(p)).collect();
        if self.ledger.is_empty() || !now.ledger.starts_with(&self.ledger) {
            all.push(format!("{LEDGER} is not the one that it was"));
        }
        all
    }
}

fn told(path: &Path) -> String {
    format!("{} was touched", path.display())
}

fn walk(path: &Path, files: &mut BTreeMap<PathBuf, Mark>) {
    let Ok(meta) = path.symlink_metadata() else { return };
    let content = meta.is_file().then(|| std::fs::read(path).ok()).flatten().map(Digest::of);
    let changed = (meta.ctime(), meta.ctime_nsec());
    files.insert(path.into(), Mark { inode: meta.ino(), changed, mode: meta.mode(), content });
    if meta.is_dir() {
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        entries.for_each(|e| walk(&e.path(), files));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::write;

    #[test]
    fn a_file_that_was_written_again_is_another_one() {
        let dir = tempfile::tempdir().unwrap();
        let at = |path: &str| dir.path().join(path);
        write(&at("etc/kubernetes/admin.conf"), "a", 0o600).unwrap();
        write(&at("var/lib/podlift/ledger"), "one\n", 0o600).unwrap();
        let before = Kept::look(dir.path());
        std::fs::write(at("var/lib/podlift/ledger"), "one\ntwo\n").unwrap();
        assert_eq!(before.differs(&Kept::look(dir.path())), Vec::<String>::new());
        // The same bytes in another file.
        write(&at("etc/kubernetes/new"), "a", 0o600).unwrap();
        std::fs::rename(at("etc/kubernetes/new"), at("etc/kubernetes/admin.conf")).unwrap();
        let seen = before.differs(&Kept::look(dir.path())).join(" ");
        assert!(seen.contains("admin.conf was touched"), "{seen}");
        std::fs::remove_file(at("var/lib/podlift/ledger")).unwrap();
        assert!(before.differs(&Kept::look(dir.path())).join(" ").contains("ledger is not"));
    }
}
