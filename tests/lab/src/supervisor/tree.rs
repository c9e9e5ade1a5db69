//! Node roots and command paths: each node gets a folder `bin/NODE` in which every tool is a link to the doubles' client, which reads from
//! the link's own path whose tool it is (`client::asked_as`). Without that small program beside this one, this program is the client.
#![allow(clippy::disallowed_methods)] // this is an edge: it looks for a program

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
    let head = scratch.make_dir(super::configs::HEAD_ROOT)?;
    all.insert(doubles::HEAD.into(), Arc::new(RealDisk::new(head)));
    Ok(all)
}

const MANAGE: &str = "cm-kubeadm-manage";
const CLIENT: &str = "podlift-lab-tool";

pub fn tools(world: &World, scratch: &Scratch, exe: &Path) -> anyhow::Result<()> {
    let client = exe.with_file_name(CLIENT);
    let exe = if client.is_file() { client.as_path() } else { exe };
    let nodes = world.shape.own_processes().map(String::as_str).chain([doubles::HEAD]);
    for node in nodes {
        for tool in doubles::tools(world, node) {
            scratch.link(&format!("bin/{node}/{tool}"), exe)?;
        }
    }
    // BCM's own script, which has a place of its own.
    let script = format!(
        "#!/bin/sh\nexec '{}' \"$@\"\n",
        scratch.at(&format!("bin/{}/{MANAGE}", doubles::HEAD)).display()
    );
    let path = format!("{}/cm/local/apps/cmd/scripts/{MANAGE}", super::configs::HEAD_ROOT);
    scratch.write(&path, &script, 0o755).map(drop)
}
