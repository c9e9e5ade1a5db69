//! inotify on a folder, through notify. The folder is watched, never a file: a rename would lose it. Opening a file gives an event too,
//! also when we do it; it is left out, or looking would cause the next look.

use super::below;
use super::writers::Fan;
use crate::{Change, Watch, Writers};
use notify::event::{AccessKind, AccessMode, ModifyKind, RenameMode};
use notify::{Event, EventKind, RecursiveMode, Watcher as _};
use std::io;
use std::path::{Path, PathBuf};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

pub struct RealWatch {
    root: PathBuf,
}

impl RealWatch {
    pub fn new(root: &Path) -> Self {
        Self { root: root.into() }
    }
}

impl Watch for RealWatch {
    fn watch(&self, dir: &Path) -> io::Result<UnboundedReceiver<Change>> {
        let dir = below(&self.root, dir);
        let (sender, receiver) = unbounded_channel();
        let (notices, folder) = (sender.clone(), dir.clone());
        let handler = move |event: notify::Result<Event>| tell(&notices, &folder, event);
        let mut watcher = notify::recommended_watcher(handler).map_err(io::Error::other)?;
        watcher.watch(&dir, RecursiveMode::NonRecursive).map_err(io::Error::other)?;
        tokio::spawn(async move {
            sender.closed().await;
            drop(watcher);
        });
        Ok(receiver)
    }

    fn writers(&self, dir: &Path) -> io::Result<Box<dyn Writers>> {
        Ok(Box::new(Fan::arm(&below(&self.root, dir))?))
    }
}

fn tell(to: &UnboundedSender<Change>, dir: &Path, event: notify::Result<Event>) {
    let Ok(event) = event else { return drop(to.send(Change::Rescan)) };
    if event.need_rescan() {
        return drop(to.send(Change::Rescan));
    }
    if !matters(&event.kind) {
        return;
    }
    for path in &event.paths {
        let name = path.file_name().and_then(|n| n.to_str()).filter(|_| path.parent() == Some(dir));
        let change = name.map_or(Change::Rescan, |n| Change::File(n.to_string()));
        drop(to.send(change));
    }
}

fn matters(kind: &EventKind) -> bool {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Modify(ModifyKind::Name(mode)) => {
            matches!(mode, RenameMode::To | RenameMode::From | RenameMode::Both | RenameMode::Any)
        }
        EventKind::Remove(_) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Files as _;
    use crate::real::RealFiles;

    #[tokio::test]
    async fn writes_renames_and_removals_are_told_and_reading_is_not() {
        let root = tempfile::tempdir().unwrap();
        let files = RealFiles::open(root.path()).unwrap();
        let dir = Path::new("/etc/kubernetes/manifests");
        files.write(&dir.join("a.yaml"), b"1", 0o600).unwrap();
        let mut changes = RealWatch::new(root.path()).watch(dir).unwrap();
        files.read(&dir.join("a.yaml")).unwrap();
        files.write(&dir.join("b.yaml"), b"2", 0o600).unwrap();
        assert_eq!(changes.recv().await, Some(Change::File("b.yaml".into())));
        files.remove(&dir.join("a.yaml")).unwrap();
        while changes.recv().await != Some(Change::File("a.yaml".into())) {}
    }
}
