//! Exclude lists as rsync reads them. BCM's have two parts: what the first keeps on a node still comes from the image where the node lacks
//! it; what `no-new-files:` names does not.

use podlift_lab::World;
use podlift_lab::world::bcm::Patterns;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const NO_NEW: &str = "no-new-files: - ";

pub struct Lists {
    lines: Vec<String>,
}

impl Lists {
    /// The effective ones: `update` or `grab`.
    pub fn of(world: &World, node: &str, mode: &str) -> Self {
        Self { lines: world.lock().excludes(node, mode) }
    }

    /// A file for `--exclude-from`.
    pub fn patterns(&self) -> String {
        let bare = self.lines.iter().map(|l| l.strip_prefix(NO_NEW).unwrap_or(l));
        bare.map(|pattern| format!("{pattern}\n")).collect()
    }

    /// Paths that only the image has and that come all the same, without what is below one of them. Relative to the root.
    pub fn only_in_image(&self, image: &Path, node: &Path) -> Vec<PathBuf> {
        let patterns = Patterns::of(&self.lines);
        let mut found = BTreeSet::new();
        walk(image, node, Path::new("/"), &patterns, &mut found);
        found.into_iter().collect()
    }
}

fn walk(image: &Path, node: &Path, dir: &Path, patterns: &Patterns, found: &mut BTreeSet<PathBuf>) {
    let inside = |root: &Path, path: &Path| root.join(path.strip_prefix("/").unwrap_or(path));
    for entry in std::fs::read_dir(inside(image, dir)).into_iter().flatten().flatten() {
        let path = dir.join(entry.file_name());
        if patterns.keeps_out(&path) {
            continue;
        }
        let missing = inside(node, &path).symlink_metadata().is_err();
        match patterns.keeps(&path) {
            true if missing => drop(found.insert(path.strip_prefix("/").unwrap_or(&path).into())),
            _ if entry.file_type().is_ok_and(|t| t.is_dir()) => walk(image, node, &path, patterns, found),
            _ => {}
        }
    }
}

/// What the tier itself has on a machine and on no other: its address, its member of etcd.
pub fn of_the_site() -> Vec<String> {
    [
        "/etc/systemd/system/lab-network.service",
        "/etc/systemd/system/sysinit.target.wants/lab-network.service",
        "/etc/etcd",
        "/etc/systemd/system/etcd-member.service",
        "/etc/systemd/system/multi-user.target.wants/etcd-member.service",
        "/var/lib/etcd-member",
    ]
    .map(String::from)
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::write;

    #[test]
    fn what_only_the_image_has_comes_where_the_list_allows_new_files() {
        let dir = tempfile::tempdir().unwrap();
        let (image, node) = (dir.path().join("image"), dir.path().join("node"));
        for path in ["scratch/a/b", "scratch/both", "boot/efi/x", "opt/x"] {
            write(&image.join(path), "image", 0o644).unwrap();
        }
        write(&node.join("scratch/both"), "node", 0o644).unwrap();
        let lines = ["/scratch/*", "no-new-files: - /boot/efi"].map(String::from).into();
        let lists = Lists { lines };
        assert_eq!(lists.patterns(), "/scratch/*\n/boot/efi\n");
        // Of /opt nothing is excluded: it comes with everything else.
        assert_eq!(lists.only_in_image(&image, &node), [PathBuf::from("scratch/a")]);
    }
}
