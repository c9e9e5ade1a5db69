//! From files to desired pods: notices at once, a whole relist every 20 s. A broken file met by a notice leaves the old pod; met by a
//! relist it removes the pod.

use super::files::{self, Manifest};
use super::worker;
use crate::world::World;
use crate::world::manifests::DIR;
use podlift_agent::host::Change;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::watch;

type Workers = BTreeMap<String, watch::Sender<Option<Manifest>>>;

pub async fn run(world: Arc<World>, node: String) {
    let disk = world.disk(&node);
    let Ok(mut changes) = disk.watch(Path::new(DIR)) else { return };
    let mut workers = Workers::new();
    relist(&world, &node, &mut workers);
    loop {
        let made_by = minor(&world, &node);
        tokio::select! {
            change = changes.recv() => match change {
                Some(Change::File(file)) => notice(&world, &node, &mut workers, &file),
                Some(Change::Rescan) => relist(&world, &node, &mut workers),
                None => return,
            },
            () = world.sleep(world.shape.timing.relist) => relist(&world, &node, &mut workers),
            () = another_minor(&world, &node, made_by) => relist(&world, &node, &mut workers),
        }
    }
}

/// Of the kubelet that makes this node's static pods.
fn minor(world: &World, node: &str) -> u16 {
    world.lock().node(node).kubelet.pods_of
}

/// Until a kubelet of another minor has started. A worker waits for its relist: it has no static pods to be quick about.
async fn another_minor(world: &World, node: &str, made_by: u16) {
    let control_plane = world.lock().node(node).is_control_plane();
    if !control_plane {
        return std::future::pending().await;
    }
    world.until(|s| s.node(node).kubelet.pods_of != made_by).await;
}

fn want(world: &Arc<World>, node: &str, workers: &mut Workers, name: &str, manifest: Option<Manifest>) {
    let sender = workers.entry(name.to_string()).or_insert_with(|| {
        let (sender, receiver) = watch::channel(None);
        world.spawn(node, worker::run(world.clone(), node.to_string(), name.to_string(), receiver));
        sender
    });
    sender.send_if_modified(|now| {
        let same = now.as_ref().map(|m| &m.hash) == manifest.as_ref().map(|m| &m.hash);
        *now = manifest;
        !same
    });
}

fn notice(world: &Arc<World>, node: &str, workers: &mut Workers, file: &str) {
    if !files::visible(file) {
        return;
    }
    match files::read_one(world.disk(node).as_ref(), file, node, minor(world, node)) {
        Some(Ok(manifest)) => {
            let name = manifest.name.clone();
            want(world, node, workers, &name, Some(manifest));
        }
        Some(Err(why)) => tracing::debug!(
            node,
            file,
            why,
            "kubelet cannot read a manifest: the old pod stays until the relist"
        ),
        None => {
            let gone =
                |w: &watch::Sender<Option<Manifest>>| w.borrow().as_ref().is_some_and(|m| m.file == file);
            let names: Vec<String> =
                workers.iter().filter(|(_, w)| gone(w)).map(|(n, _)| n.clone()).collect();
            names.iter().for_each(|n| want(world, node, workers, n, None));
        }
    }
}

fn relist(world: &Arc<World>, node: &str, workers: &mut Workers) {
    let found = files::read_all(world.disk(node).as_ref(), node, minor(world, node));
    let known: Vec<String> = workers.keys().filter(|n| !found.contains_key(*n)).cloned().collect();
    known.iter().for_each(|n| want(world, node, workers, n, None));
    for (name, manifest) in found {
        want(world, node, workers, &name, Some(manifest));
    }
}
