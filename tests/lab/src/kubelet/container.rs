//! Containers of static pods in the runtime, and what makes one end at once.

use super::files::Manifest;
use crate::world::state::Container;
use crate::world::{What, World, versions};
use podlift_model::{FlagSet, gates};
use std::sync::Arc;

/// Ended containers kept a pod.
const KEPT: usize = 2;

/// Why the component would exit with 1 within a second, in its own words; None where it would run.
pub fn verdict(manifest: &Manifest) -> Option<String> {
    let args = manifest.args();
    let flags = FlagSet::parse(args.iter().map(String::as_str));
    let version = versions::of_image(&manifest.image())?;
    let fatal =
        flags.gates().iter().find_map(|(gate, value)| gates::fatal_text(gate, *value, version.minor()));
    let no_etcd = manifest.name == "kube-apiserver" && flags.items("etcd-servers").is_empty();
    fatal.or_else(|| no_etcd.then(|| "--etcd-servers must be specified".to_string()))
}

pub fn running_hash(world: &World, node: &str, name: &str) -> Option<String> {
    let s = world.lock();
    s.node(node).container(name).filter(|c| c.running()).map(|c| c.hash.clone())
}

pub fn start(world: &Arc<World>, node: &str, manifest: &Manifest, attempt: u32) {
    let now = world.clock.now();
    world.update(|s| {
        let serial = s.serial();
        let id = podlift_model::Digest::of(format!("{node}/{}/{serial}", manifest.name)).as_str().to_string();
        let n = s.node_mut(node);
        n.containers.push(Container {
            id,
            name: manifest.name.clone(),
            hash: manifest.hash.clone(),
            image: manifest.image(),
            args: manifest.args(),
            attempt,
            created: now,
            finished: None,
            exit: None,
            listening: false,
            log: vec![],
        });
        n.images.insert(manifest.image());
        let mut ended: Vec<String> = n
            .containers
            .iter()
            .filter(|c| c.name == manifest.name && !c.running())
            .map(|c| c.id.clone())
            .collect();
        ended.truncate(ended.len().saturating_sub(KEPT));
        n.containers.retain(|c| !ended.contains(&c.id));
    });
    world.record(node, What::ContainerStart { name: manifest.name.clone() }, None);
}

fn with_newest(world: &Arc<World>, node: &str, name: &str, change: impl FnOnce(&mut Container)) {
    world.update(|s| {
        let newest = s.node_mut(node).containers.iter_mut().rev().find(|c| c.name == name && c.running());
        newest.map(change)
    });
}

pub fn set_listening(world: &Arc<World>, node: &str, manifest: &Manifest) {
    if manifest.name == "kube-apiserver" && verdict(manifest).is_none() {
        with_newest(world, node, &manifest.name, |c| c.listening = true);
    }
}

pub fn crash(world: &Arc<World>, node: &str, manifest: &Manifest, why: &str) {
    let now = world.clock.now();
    let line = format!(
        "E{} {:>7} run.go:72] \"command failed\" err=\"{why}\"",
        now.strftime("%m%d %H:%M:%S.%6f"),
        1
    );
    with_newest(world, node, &manifest.name, |c| {
        c.log.push(line);
        (c.finished, c.exit, c.listening) = (Some(now), Some(1), false);
    });
    let name = manifest.name.clone();
    world.record(node, What::ContainerCrash { name, why: why.into() }, None);
}

/// The stop signal: an API server answers no more. True if there was something to stop.
pub fn stopping(world: &Arc<World>, node: &str, name: &str) -> bool {
    let running = running_hash(world, node, name).is_some();
    with_newest(world, node, name, |c| c.listening = false);
    running
}

pub fn stopped(world: &Arc<World>, node: &str, name: &str) {
    let now = world.clock.now();
    with_newest(world, node, name, |c| (c.finished, c.exit) = (Some(now), Some(0)));
}
