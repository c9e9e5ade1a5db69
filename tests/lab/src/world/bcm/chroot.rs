//! Sessions in images: their mounts are there while they run, and where a switch says so, longer. `/proc/1/mountinfo` of the head shows them.

use super::super::core::World;
use crate::doubles::HEAD;
use std::path::Path;
use std::sync::Arc;

/// What a session mounts, below the image.
pub const MOUNTS: [&str; 6] = ["dev", "dev/pts", "proc", "sys", "run", "run/systemd/resolve/resolv.conf"];

const OWN: &str = "21 1 8:2 / / rw,relatime shared:1 - ext4 /dev/sda2 rw\n22 21 0:21 / /proc rw,nosuid,nodev,noexec,relatime shared:12 - proc proc rw\n";

/// A session in an image; it ends with this.
pub struct Jail {
    world: Arc<World>,
    image: String,
}

impl Jail {
    pub fn enter(world: &Arc<World>, image: &str) -> Self {
        world.mount(image, &MOUNTS);
        Self { world: world.clone(), image: image.into() }
    }
}

impl Drop for Jail {
    fn drop(&mut self) {
        let (mounts, process) = {
            let b = &self.world.lock().bcm.switches;
            (b.mounts_left, b.process_left)
        };
        if !mounts {
            self.world.unmount(&self.image, &MOUNTS);
        }
        if process {
            let left = (8123, "gpg-agent".to_string());
            self.world.update(|s| s.bcm.images.get_mut(&self.image).map(|i| i.processes.push(left)));
            self.world.write_mounts();
        }
    }
}

impl World {
    pub(super) fn mount(&self, image: &str, points: &[&str]) {
        let points = points.iter().map(ToString::to_string);
        self.update(|s| s.bcm.images.get_mut(image).map(|i| i.mounts.extend(points)));
        self.write_mounts();
    }

    pub(super) fn unmount(&self, image: &str, points: &[&str]) {
        self.update(|s| {
            let Some(i) = s.bcm.images.get_mut(image) else { return };
            for point in points {
                // The one on top.
                let at = i.mounts.iter().rposition(|m| m == point);
                at.map(|at| i.mounts.remove(at));
            }
        });
        self.write_mounts();
    }

    /// Whether something is mounted in what is mounted at a path: the kernel keeps such a mount (bcm-2.md 6 names the order). A mount that an
    /// upper one of the same path hides is none in it.
    pub fn is_busy(&self, path: &str) -> bool {
        let below = format!("{path}/");
        self.lock().bcm.images.values().any(|i| {
            let points: Vec<String> = i.mounts.iter().map(|m| format!("{}/{m}", i.path)).collect();
            let top = points.iter().rposition(|point| point == path);
            top.is_some_and(|top| points[top..].iter().any(|point| point.starts_with(&below)))
        })
    }

    /// False: nothing is mounted there.
    pub fn unmount_at(&self, path: &str) -> bool {
        let found = self.lock().bcm.images.iter().find_map(|(name, i)| {
            let point = path.strip_prefix(&i.path)?.strip_prefix('/')?;
            i.mounts.iter().any(|m| m == point).then(|| (name.clone(), point.to_string()))
        });
        if let Some((image, point)) = &found {
            self.unmount(image, &[point]);
        }
        found.is_some()
    }

    pub fn mounted_below(&self, path: &str) -> bool {
        self.lock().bcm.image_at(path).is_some_and(|(_, i)| !i.mounts.is_empty())
    }

    /// Of the head's kernel, as its files in /proc show it.
    pub(in super::super) fn write_mounts(&self) {
        let lines: String = {
            let s = self.lock();
            let one = |path: &str, m: &String| {
                format!("90 21 0:6 / {path}/{m} rw,relatime shared:9 - none none rw\n")
            };
            let all = s.bcm.images.values();
            all.flat_map(|i| i.mounts.iter().map(|m| one(&i.path, m)).collect::<Vec<_>>()).collect()
        };
        let disk = self.disk(HEAD);
        disk.put_synced(Path::new("/proc/1/mountinfo"), format!("{OWN}{lines}").as_bytes(), 0o444).ok();
    }
}
