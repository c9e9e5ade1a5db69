//! Node roots and command paths: each node gets a folder `bin/NODE` in which every tool is a link to this program, which reads from the
//! link's own path whose tool it is (`client::asked_as`).

use super::scratch::Scratch;
use crate::disk::{Disk, MemDisk, RealDisk};
use crate::doubles;
use crate::world::{Shape, World};
use podlift_common::clock::SystemClock;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Folders; of nodes whose agent lives in this process, memory.
pub fn disks(shape: &Shape, scratch: &Scratch) -> anyhow::Result<BTreeMap<String, Arc<dyn Disk>>> {
    let mut all: BTreeMap<String, Arc<dyn Disk>> = BTreeMap::new();
    for node in shape.carried() {
        all.insert(node.clone(), Arc::new(MemDisk::new(Arc::new(SystemClock))));
    }
    for node in shape.own_processes() {
        let root = scratch.make_dir(&format!("nodes/{node}"))?;
        all.insert(node.clone(), Arc::new(RealDisk::new(root)));
    }
    Ok(all)
}

pub fn tools(world: &World, scratch: &Scratch, exe: &Path) -> anyhow::Result<()> {
    let nodes = world.shape.own_processes().map(String::as_str).chain([doubles::HEAD]);
    for node in nodes {
        for tool in doubles::tools(world, node) {
            scratch.link(&format!("bin/{node}/{tool}"), exe)?;
        }
    }
    Ok(())
}
