//! One static pod: the old container ends, then after a while the new one starts; a container that ends at once starts again after a
//! back-off of its own hash. Another hash in between costs another round.

use super::files::Manifest;
use super::{container, mirror};
use crate::world::World;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

type Wanted = watch::Receiver<Option<Manifest>>;

pub async fn run(world: Arc<World>, node: String, name: String, mut wanted: Wanted) {
    let mut current = container::running_hash(&world, &node, &name);
    loop {
        let want = wanted.borrow_and_update().clone();
        let hash = want.as_ref().map(|m| m.hash.clone());
        if hash != current {
            stop(&world, &node, &name).await;
            current = None;
            match settle(&world, &mut wanted, hash).await {
                Some(manifest) => {
                    current = Some(manifest.hash.clone());
                    if live(&world, &node, &manifest, &mut wanted).await.is_err() {
                        return;
                    }
                }
                None => mirror::remove(&world, &node, &name),
            }
            continue;
        }
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
) -> Result<(), watch::error::RecvError> {
    mirror::publish(world, node, manifest);
    let mut back_off = Duration::from_secs(10);
    let mut attempt = 0;
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
    container::start(world, node, manifest, attempt);
    if let Some(why) = container::verdict(manifest) {
        world.sleep(Duration::from_millis(300)).await;
        container::crash(world, node, manifest, &why);
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
