//! What is in an image at one moment: its packages as dpkg knows them, and its files.

use super::super::core::World;
use super::super::state::Package;
use crate::disk::Disk;
use podlift_agent::host::FileKind;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes and mode of each file.
pub type Files = BTreeMap<PathBuf, (Vec<u8>, u32)>;

#[derive(Debug, Clone, Default)]
pub struct Content {
    /// CMDaemon's number of the image's changes at that time.
    pub known: u64,
    pub packages: BTreeMap<String, Package>,
    pub files: Arc<Files>,
}

/// dpkg's own record.
pub const STATUS: &str = "/var/lib/dpkg/status";

/// The regular files below a folder that `skipped` does not name.
pub fn files(disk: &dyn Disk, skipped: &dyn Fn(&Path) -> bool) -> Vec<PathBuf> {
    let mut all = vec![];
    walk(disk, Path::new("/"), skipped, &mut all);
    all
}

fn walk(disk: &dyn Disk, dir: &Path, skipped: &dyn Fn(&Path) -> bool, all: &mut Vec<PathBuf>) {
    for name in disk.list(dir).unwrap_or_default() {
        let path = dir.join(name);
        if skipped(&path) {
            continue;
        }
        match disk.stat(&path).map(|s| s.kind) {
            Ok(FileKind::Directory) => walk(disk, &path, skipped, all),
            Ok(FileKind::Regular) => all.push(path),
            // Gone meanwhile, or nothing that the lab copies.
            _ => {}
        }
    }
}

impl World {
    /// None: there is no such image.
    pub fn content(&self, image: &str) -> Option<Content> {
        let (path, known, packages) = {
            let s = self.lock();
            let i = s.bcm.images.get(image)?;
            (i.path.clone(), i.known, s.node(&i.path).packages.clone())
        };
        let disk = self.disk(&path);
        let read = |path: PathBuf| {
            let mode = disk.stat(&path).ok()?.mode;
            Some((path.clone(), (disk.read(&path).ok()?, mode)))
        };
        let files = files(disk.as_ref(), &|_| false).into_iter().filter_map(read).collect();
        Some(Content { known, packages, files: Arc::new(files) })
    }

    /// Writes dpkg's record of a place or node from what the World knows.
    pub fn write_status(&self, place: &str) {
        let packages = self.lock().node(place).packages.clone();
        self.disk(place).put_synced(Path::new(STATUS), status(&packages).as_bytes(), 0o644).ok();
    }
}

/// As dpkg writes it.
fn status(packages: &BTreeMap<String, Package>) -> String {
    let entry = |(name, p): (&String, &Package)| {
        let want = if p.held { "hold" } else { "install" };
        let is = if p.half { "unpacked" } else { "installed" };
        format!("Package: {name}\nStatus: {want} ok {is}\nArchitecture: amd64\nVersion: {}\n\n", p.version)
    };
    let own =
        "Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.21.1ubuntu2.3\n\n";
    std::iter::once(own.to_string()).chain(packages.iter().map(entry)).collect()
}
