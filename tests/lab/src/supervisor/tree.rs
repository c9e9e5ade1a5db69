//! Node roots and command paths: each node gets a folder `bin/NODE` in which every tool is a link to this program, which reads from the
//! link's own path whose tool it is (`client::asked_as`).

use super::scratch::Scratch;
use crate::disk::{Disk, RealDisk};
use crate::doubles;
use crate::world::{Shape, World};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

pub fn disks(shape: &Shape, scratch: &Scratch) -> anyhow::Result<BTreeMap<String, Arc<dyn Disk>>> {
    let mut all: BTreeMap<String, Arc<dyn Disk>> = BTreeMap::new();
    for node in shape.nodes() {
        let root = scratch.make_dir(&format!("nodes/{node}"))?;
        all.insert(node.clone(), Arc::new(RealDisk::new(root)));
    }
    Ok(all)
}

pub fn tools(world: &World, scratch: &Scratch, exe: &Path) -> anyhow::Result<()> {
    let nodes = world.shape.nodes().map(String::as_str).chain([doubles::HEAD]);
    for node in nodes {
        for tool in doubles::tools(world, node) {
            scratch.link(&format!("bin/{node}/{tool}"), exe)?;
        }
    }
    Ok(())
}
