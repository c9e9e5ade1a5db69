//! Machines behind the nodes' names: one that comes back from its image as another one, and a second one that runs under the same name.

use super::core::World;
use crate::disk::{Disk, MemDisk};
use podlift_agent::host::FileKind;
use std::path::Path;
use std::sync::Arc;

pub const MACHINE_ID: &str = "/etc/machine-id";
pub const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

impl World {
    /// The node's disk is written anew from its image: another machine id, and no memory of the agent. It boots.
    pub fn image_again(self: &Arc<Self>, node: &str) {
        let machine = self.fresh_machine();
        self.update(|s| s.node_mut(node).machine.clone_from(&machine));
        self.lose_state(node);
        // A disk that cannot be written is none of a lab.
        self.disk(node).put_synced(Path::new(MACHINE_ID), format!("{machine}\n").as_bytes(), 0o444).ok();
        self.power_cut(node);
    }

    pub(super) fn fresh_machine(&self) -> String {
        let serial = self.update(super::state::State::serial);
        podlift_model::Digest::of(format!("machine {serial}")).as_str()[..32].into()
    }

    /// The disk of a second machine with this node's name: a copy, agent's certificate and all, with a machine and a boot of its own.
    pub(crate) fn cloned_disk(&self, node: &str) -> Arc<dyn Disk> {
        let copy = MemDisk::new(self.clock.clone());
        copy_tree(self.disk(node).as_ref(), &copy, Path::new("/"));
        let machine = self.fresh_machine();
        copy.put_synced(Path::new(MACHINE_ID), format!("{machine}\n").as_bytes(), 0o444).ok();
        copy.put_synced(Path::new(BOOT_ID), format!("boot-{machine}\n").as_bytes(), 0o444).ok();
        Arc::new(copy)
    }
}

fn copy_tree(from: &dyn Disk, to: &MemDisk, dir: &Path) {
    for name in from.list(dir).unwrap_or_default() {
        let path = dir.join(name);
        match from.stat(&path) {
            Ok(stat) if stat.kind == FileKind::Directory => copy_tree(from, to, &path),
            Ok(stat) => {
                // A file that is gone meanwhile is no part of the copy.
                from.read(&path).and_then(|bytes| to.put_synced(&path, &bytes, stat.mode)).ok();
            }
            Err(_) => {}
        }
    }
}
