//! One static pod: the old container ends, then after a while the new one starts; a container that ends at once starts again after a
//! back-off of its own hash. Another hash in between costs another round. A kubelet of another minor makes the pod anew without waiting.

use super::files::Manifest;
use super::{container, mirror, pull};
use crate::world::World;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// What a component needs to find out that it can't run.
const SHORT: Duration = Duration::from_millis(300);

type Wanted = watch::Receiver<Option<Manifest>>;

pub async fn run(world: Arc<World>, node: String, name: String, mut wanted: Wanted) {
    let mut current = container::running_hash(&world, &node, &name);
    // Minor of the kubelet whose pod runs.
    let mut made_by = None;
    loop {
        let want = wanted.borrow_and_update().clone();
        let hash = want.as_ref().map(|m| m.hash.clone());
        let anew =
            current.is_some() && want.as_ref().is_some_and(|m| made_by.is_some_and(|by| by != m.minor));
        if hash != current {
            let next = match want.filter(|_| anew) {
                Some(manifest) => Some((remake(&world, &node, &manifest).await, manifest)),
                None => {
                    stop(&world, &node, &name).await;
                    settle(&world, &mut wanted, hash).await.map(|manifest| (0, manifest))
                }
            };
            current = None;
            match next {
                Some((attempt, manifest)) => {
                    (current, made_by) = (Some(manifest.hash.clone()), Some(manifest.minor));
                    if live(&world, &node, &manifest, &mut wanted, attempt).await.is_err() {
                        return;
                    }
                }
                None => mirror::remove(&world, &node, &name),
            }
            continue;
        }
        made_by = want.map(|m| m.minor).or(made_by);
        if wanted.changed().await.is_err() {
            return;
        }
    }
}

async fn stop(world: &Arc<World>, node: &str, name: &str) {
    if container::stopping(world, node, name) {
        world.sleep(world.shape.timing.stop).await;
    }
    container::stopped(world, node, name);
}

/// Grace of a container that belongs to no pod which the kubelet knows.
const GRACE: Duration = Duration::from_secs(1);

/// A kubelet of another minor starts the new pod while the old one still runs, and kills the old one. Where the new API server is the
/// faster one it ends with its port in use, and is restarted at once. Returns the number of the attempt that comes next.
async fn remake(world: &Arc<World>, node: &str, manifest: &Manifest) -> u32 {
    let quick = world.shape.control_planes.first().is_none_or(|n| n != node);
    let taken = container::port_taken(world, node, &manifest.name);
    let crash = taken.filter(|_| quick && manifest.name == "kube-apiserver");
    let early = crash.is_some();
    match crash {
        Some(crash) => {
            mirror::publish(world, node, manifest);
            container::start(world, node, manifest, 0);
            world.sleep(SHORT).await;
            container::crash(world, node, manifest, &crash);
        }
        None => drop(container::stopping(world, node, &manifest.name)),
    }
    world.sleep(GRACE).await;
    container::kill_others(world, node, &manifest.name, &manifest.hash);
    u32::from(early)
}

/// Waits as the pod worker does; each other hash since the stop costs another wait.
async fn settle(world: &Arc<World>, wanted: &mut Wanted, since_stop: Option<String>) -> Option<Manifest> {
    let timing = &world.shape.timing;
    let mut last = since_stop;
    let mut penalty = Duration::ZERO;
    loop {
        let now = wanted.borrow_and_update().as_ref()?.hash.clone();
        if last.as_ref().is_some_and(|l| *l != now) {
            penalty = timing.superseded;
        }
        last = Some(now);
        let changed = tokio::select! {
            changed = wanted.changed() => changed.is_ok(),
            () = world.sleep(timing.start + penalty) => false,
        };
        if !changed {
            return wanted.borrow_and_update().clone();
        }
    }
}

/// Runs a container of this manifest until another hash is wanted. Err: the node is gone.
async fn live(
    world: &Arc<World>,
    node: &str,
    manifest: &Manifest,
    wanted: &mut Wanted,
    mut attempt: u32,
) -> Result<(), watch::error::RecvError> {
    mirror::publish(world, node, manifest);
    let mut back_off = Duration::from_secs(10);
    loop {
        let alive = tokio::select! {
            changed = wanted.changed() => { changed?; return Ok(()); }
            alive = once(world, node, manifest, attempt) => alive,
        };
        if alive {
            return Ok(());
        }
        let waited = tokio::select! {
            changed = wanted.changed() => { changed?; false }
            () = back_off_and_report(world, node, manifest, back_off, attempt) => true,
        };
        if !waited {
            return Ok(());
        }
        attempt += 1;
        back_off = (back_off * 2).min(Duration::from_secs(300));
    }
}

/// Starts it; true if it stays.
async fn once(world: &Arc<World>, node: &str, manifest: &Manifest, attempt: u32) -> bool {
    pull::images(world, node, manifest).await;
    container::start(world, node, manifest, attempt);
    if let Some(crash) = container::doomed(world, node, manifest) {
        world.sleep(SHORT).await;
        container::crash(world, node, manifest, &crash);
        return false;
    }
    let timing = &world.shape.timing;
    world.sleep(timing.report).await;
    mirror::report(world, node, manifest);
    if manifest.name == "kube-apiserver" {
        world.sleep(timing.api_boot.saturating_sub(timing.report)).await;
        container::set_listening(world, node, manifest);
        mirror::report(world, node, manifest);
    } else {
        container::set_listening(world, node, manifest);
    }
    true
}

/// The status of the first crash is slow to arrive; later ones find the pod known.
async fn back_off_and_report(
    world: &Arc<World>,
    node: &str,
    manifest: &Manifest,
    back_off: Duration,
    attempt: u32,
) {
    let timing = &world.shape.timing;
    if attempt == 0 {
        let (later, at, manifest) = (world.clone(), node.to_string(), manifest.clone());
        world.spawn(node, async move {
            later.sleep(later.shape.timing.report_crash).await;
            mirror::report(&later, &at, &manifest);
        });
    }
    world.sleep(timing.report).await;
    // 10 s doubling: what has waited in all so far.
    if back_off - Duration::from_secs(10) >= timing.report_crash {
        mirror::report(world, node, manifest);
    }
    world.sleep(back_off.saturating_sub(timing.report)).await;
}
