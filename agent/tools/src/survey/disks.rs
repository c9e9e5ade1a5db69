//! Filesystems to which the upgrade writes, each once, under the first folder on it.

use super::Site;
use super::mountinfo::{self, Mount};
use podlift_model::survey::Disk;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Folders of packages, images, kubelet, snapshots and dumps, and on a control-plane node of manifests and the agent's state.
const FOLDERS: [&str; 4] = ["/var", "/var/lib/containerd", "/var/lib/kubelet", "/usr"];
const CONTROL_PLANE: [&str; 2] = ["/var/lib/podlift", "/etc/kubernetes"];

pub fn look(site: &Site<'_>, table: &[Mount]) -> Result<BTreeMap<String, Disk>, String> {
    let more = CONTROL_PLANE.iter().filter(|_| site.control_plane);
    let mut known = BTreeSet::new();
    let mut out = BTreeMap::new();
    for folder in FOLDERS.iter().chain(more) {
        let space = site.files().space(Path::new(folder)).map_err(|e| format!("{folder}: {e}"))?;
        let read_only = mountinfo::holding(table, folder).is_some_and(|m| m.read_only);
        // A bind mount of the same filesystem may be read-only even so.
        if known.insert((space.device, read_only)) {
            let (free_bytes, free_inodes) = (space.free_bytes, space.free_inodes);
            out.insert((*folder).to_string(), Disk { free_bytes, free_inodes, read_only });
        }
    }
    Ok(out)
}
