//! The folder of a lab's nodes: on a disk, short enough for a socket's path, gone at the end.
#![allow(clippy::disallowed_methods)] // this is an edge: folders of this machine

use anyhow::Context as _;
use std::fs::File;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const PREFIX: &str = "podlift-lab-";
const LOCK: &str = "owner.lock";

pub struct Scratch {
    dir: TempDir,
    /// Held while the lab lives: a folder whose lock is free was left by one that was killed.
    _lock: File,
}

impl Scratch {
    pub fn new() -> anyhow::Result<Self> {
        let base = Path::new("/var/tmp");
        let base = if base.is_dir() { base.to_path_buf() } else { std::env::temp_dir() };
        sweep(&base);
        let made = tempfile::Builder::new().prefix(PREFIX).tempdir_in(&base);
        let dir = made.with_context(|| format!("no folder can be made in {}", base.display()))?;
        let lock = File::create(dir.path().join(LOCK))?;
        lock.lock()?;
        Ok(Self { dir, _lock: lock })
    }

    pub fn at(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    pub fn write(&self, path: &str, text: &str, mode: u32) -> anyhow::Result<PathBuf> {
        let path = self.at(path);
        let written =
            path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(&path, text));
        let written =
            written.and_then(|()| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)));
        written.with_context(|| format!("{} can't be written", path.display()))?;
        Ok(path)
    }

    /// A symbolic link.
    pub fn link(&self, path: &str, to: &Path) -> anyhow::Result<()> {
        let path = self.at(path);
        let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        let made = made.and_then(|()| std::os::unix::fs::symlink(to, &path));
        made.with_context(|| format!("{} can't be made", path.display()))
    }

    pub fn make_dir(&self, path: &str) -> anyhow::Result<PathBuf> {
        let path = self.at(path);
        std::fs::create_dir_all(&path).with_context(|| format!("{} can't be made", path.display()))?;
        Ok(path)
    }

    /// Copies the files of one folder whose names begin so to another.
    pub fn copy_files(&self, folder: &str, prefix: &str, to: &str) -> anyhow::Result<()> {
        let to = self.make_dir(to)?;
        for entry in std::fs::read_dir(self.at(folder))? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(prefix) {
                std::fs::copy(entry.path(), to.join(entry.file_name()))?;
            }
        }
        Ok(())
    }

    /// Copies the files of a folder, for a look after the lab is gone.
    pub fn keep(&self, folder: &str, to: &Path) -> anyhow::Result<()> {
        std::fs::create_dir_all(to).with_context(|| format!("{} can't be made", to.display()))?;
        for entry in std::fs::read_dir(self.at(folder))? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                std::fs::copy(entry.path(), to.join(entry.file_name()))?;
            }
        }
        Ok(())
    }
}

/// Takes away what killed labs left. Nothing of this is worth an error.
fn sweep(base: &Path) {
    for entry in std::fs::read_dir(base).into_iter().flatten().flatten() {
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        let lock = ours.then(|| File::open(entry.path().join(LOCK)).ok()).flatten();
        if lock.is_some_and(|l| l.try_lock().is_ok()) {
            std::fs::remove_dir_all(entry.path()).ok();
        }
    }
}
