//! inotify on a folder, because a rename would lose the watch on a file. It asks only for events that end a change: the kubelet opens every
//! file of the folder three times a minute, and that must not wake the agent. It has no thread: the runtime waits for it as for everything
//! else.

use super::below;
use super::writers::Fan;
use crate::{Change, Watch, Writers};
use inotify::{Event, EventMask, EventStream, Inotify, WatchMask};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_stream::StreamExt as _;

/// Room for some dozen notices, in bytes.
const BUFFER: usize = 4096;

pub struct RealWatch {
    root: PathBuf,
}

impl RealWatch {
    pub fn new(root: &Path) -> Self {
        Self { root: root.into() }
    }
}

fn wanted() -> WatchMask {
    WatchMask::CLOSE_WRITE
        | WatchMask::MOVED_TO
        | WatchMask::MOVED_FROM
        | WatchMask::DELETE
        | WatchMask::MOVE_SELF
        | WatchMask::DELETE_SELF
        | WatchMask::ONLYDIR
}

impl Watch for RealWatch {
    fn watch(&self, dir: &Path) -> io::Result<UnboundedReceiver<Change>> {
        let inotify = Inotify::init()?;
        inotify.watches().add(below(&self.root, dir), wanted())?;
        let mut notices = inotify.into_event_stream(vec![0; BUFFER])?;
        let (sender, receiver) = unbounded_channel();
        tokio::spawn(async move {
            tokio::select! {
                () = sender.closed() => {}
                () = pass_on(&mut notices, &sender) => {}
            }
        });
        Ok(receiver)
    }

    fn writers(&self, dir: &Path) -> io::Result<Box<dyn Writers>> {
        Ok(Box::new(Fan::arm(&below(&self.root, dir))?))
    }
}

/// Passes notices on until the kernel's stream ends. The receiver then sees its own end, and subscribes anew.
async fn pass_on(notices: &mut EventStream<Vec<u8>>, to: &UnboundedSender<Change>) {
    while let Some(notice) = notices.next().await {
        match notice {
            Ok(event) => drop(change(&event).map(|change| to.send(change))),
            Err(error) => return tracing::warn!(%error, "the folder of manifests is not watched any more"),
        }
    }
}

/// The change that a notice reports; `None` if it does not matter.
fn change(event: &Event<OsString>) -> Option<Change> {
    // The folder itself was replaced or removed, or notices were lost.
    let anew = EventMask::MOVE_SELF
        | EventMask::DELETE_SELF
        | EventMask::IGNORED
        | EventMask::UNMOUNT
        | EventMask::Q_OVERFLOW;
    if event.mask.intersects(anew) {
        return Some(Change::Rescan);
    }
    Some(Change::File(event.name.as_ref()?.to_str()?.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Files as _;
    use crate::real::RealFiles;

    /// Number of events that the kernel queues for one watcher.
    fn queue() -> usize {
        let limit = "/proc/sys/fs/inotify/max_queued_events";
        let bytes = RealFiles::open(Path::new("/")).unwrap().read(Path::new(limit)).unwrap();
        String::from_utf8(bytes).unwrap().trim().parse().unwrap()
    }

    #[tokio::test]
    #[allow(clippy::disallowed_methods)] // somebody else fills the folder
    async fn a_queue_that_overflowed_is_told_as_a_rescan() {
        let root = tempfile::tempdir().unwrap();
        let mut changes = RealWatch::new(root.path()).watch(Path::new("/")).unwrap();
        let (a, b) = (root.path().join("a"), root.path().join("b"));
        std::fs::write(&a, b"x").unwrap();
        // Nothing reads before the first await. Each rename is two events, and no two neighbours are alike, so none are merged.
        for _ in 0..queue() / 2 {
            std::fs::rename(&a, &b).unwrap();
            std::fs::rename(&b, &a).unwrap();
        }
        while changes.recv().await.unwrap() != Change::Rescan {}
    }

    #[tokio::test]
    #[allow(clippy::disallowed_methods)] // somebody else moves the folder
    async fn a_folder_that_goes_away_is_told_as_a_rescan() {
        let root = tempfile::tempdir().unwrap();
        let (old, new) = (root.path().join("m"), root.path().join("n"));
        std::fs::create_dir(&old).unwrap();
        let mut changes = RealWatch::new(root.path()).watch(Path::new("/m")).unwrap();
        std::fs::rename(&old, &new).unwrap();
        assert_eq!(changes.recv().await, Some(Change::Rescan));
        std::fs::remove_dir(&new).unwrap();
        assert_eq!(changes.recv().await, Some(Change::Rescan));
        assert!(RealWatch::new(root.path()).watch(Path::new("/m")).is_err());
    }

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
