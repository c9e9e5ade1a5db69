//! Filesystems that take nothing: nothing is half-written, it is said, and it is tried again.

use super::*;

#[test]
fn a_read_only_filesystem_is_said_and_the_repair_follows_when_it_is_over() {
    let node = Node::new();
    let heal = node.heal();
    node.break_it();
    node.remount("/etc/kubernetes", MsFlags::MS_RDONLY);
    (0..3).for_each(|_| look(&heal));
    assert_eq!((node.manifest().as_str(), node.intents()), (EMPTY_API, 0), "not even an intent");
    assert!(why(&heal).contains("its filesystem is read-only"), "{}", why(&heal));
    node.remount("/etc/kubernetes", MsFlags::empty());
    look(&heal);
    assert!(node.is_healed());
    assert_eq!(heal.findings().iter().filter(|f| f.rule != "site-gate").count(), 0);
}

/// Takes all room of a filesystem, and gives it back when dropped.
struct Filler(PathBuf);

impl Filler {
    fn of(dir: PathBuf) -> Self {
        let path = dir.join("filler");
        let mut size = 256 << 10;
        while size > 0 {
            let all = [std::fs::read(&path).unwrap_or_default(), vec![b'x'; size]].concat();
            if std::fs::write(&path, &all).is_err() {
                size /= 2;
            }
        }
        Self(path)
    }
}

impl Drop for Filler {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

#[test]
fn without_room_nothing_is_half_written_and_with_room_it_is_healed() {
    for full in ["/etc/kubernetes", "/var/lib/podlift"] {
        let node = Node::new();
        let heal = node.heal();
        node.break_it();
        let filler = Filler::of(node.at(full));
        (0..3).for_each(|_| look(&heal));
        assert_eq!(node.manifest(), EMPTY_API, "{full}");
        assert!(why(&heal).contains("there is no room"), "{full}: {}", why(&heal));
        let mut litter = node.litter();
        litter.retain(|name| name != "filler");
        assert_eq!((litter, node.intents()), (vec![], 0), "{full}");
        drop(filler);
        look(&heal);
        assert!(node.is_healed(), "{full}: {}", why(&heal));
        let pending = heal.pending();
        drop(heal);
        assert_eq!(node.heal().pending(), pending, "{full}: and all of it is in the history");
    }
}
