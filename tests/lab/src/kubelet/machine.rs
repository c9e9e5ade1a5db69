//! The kubelet of a machine: it runs while the machine's own kubelet process has its call open, at the version of that process. Containers
//! and the look at the manifests go on while it is restarted, and end with the machine.

use super::process::{post, set_ready};
use super::{adopt, start};
use crate::doubles::Caller;
use crate::world::{What, World};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

/// Ends only by being dropped.
pub async fn process(world: &Arc<World>, node: &str, caller: &Caller) -> i32 {
    let _running = Running::new(world, node, caller);
    match std::future::pending::<Infallible>().await {}
}

struct Running {
    world: Arc<World>,
    node: String,
    /// Which start of it this is.
    number: u32,
}

impl Running {
    fn new(world: &Arc<World>, node: &str, caller: &Caller) -> Self {
        let (number, since_boot, cut) = world.update(|s| {
            let n = s.node_mut(node);
            n.boot = caller.boot.clone();
            n.kubelet.runs(Some(caller.version));
            n.kubelet.restarts += 1;
            let since_boot = std::mem::replace(&mut n.kubelet.since_boot, true);
            (n.kubelet.restarts, since_boot, n.generation > 0)
        });
        let version = caller.version.to_string();
        match since_boot {
            true => world.record(node, What::KubeletRestart { version }, None),
            false => first(world, node, version, cut),
        }
        becomes_ready(world, node, number);
        Self { world: world.clone(), node: node.into(), number }
    }
}

/// The first since the machine was switched on; a machine that was never off has run for long.
fn first(world: &Arc<World>, node: &str, version: String, cut: bool) {
    world.record(node, What::KubeletBoot { version }, None);
    if !cut {
        adopt(world, node);
    }
    start(world, node);
}

fn becomes_ready(world: &Arc<World>, node: &str, number: u32) {
    if !world.lock().fronts().is_empty() {
        let message = "container runtime status check may not have completed yet";
        set_ready(world, node, false, "KubeletNotReady", message);
    }
    let (world, node) = (world.clone(), node.to_string());
    let at = node.clone();
    world.clone().spawn(&at, async move {
        world.sleep(Duration::from_secs(4)).await;
        world.until(|s| !s.fronts().is_empty()).await;
        if world.lock().node(&node).kubelet.restarts == number {
            post(&world, &node, true);
        }
    });
}

impl Drop for Running {
    fn drop(&mut self) {
        self.world.update(|s| {
            let kubelet = &mut s.node_mut(&self.node).kubelet;
            if kubelet.restarts == self.number {
                (kubelet.running, kubelet.ready) = (None, false);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::Shape;
    use podlift_model::KubeVersion;

    fn caller(patch: u16) -> Caller {
        Caller { version: KubeVersion::new(1, 32, patch), unit: None, boot: "b".into() }
    }

    fn running(world: &World) -> Option<KubeVersion> {
        world.lock().node("cp").kubelet.running
    }

    #[tokio::test(start_paused = true)]
    async fn the_kubelet_is_the_process_that_has_its_call_open() {
        let shape =
            Shape { control_planes: vec!["cp".into()], workers: vec![], machines: true, ..Shape::default() };
        let world = World::new(shape);
        world.start();
        assert_eq!(running(&world), None);
        let first = Running::new(&world, "cp", &caller(9));
        world.until(|s| s.front_up("cp") && s.node("cp").kubelet.ready).await;
        assert_eq!(running(&world), Some(caller(9).version));
        let second = Running::new(&world, "cp", &caller(13));
        drop(first);
        assert_eq!(running(&world), Some(caller(13).version), "the old process ends after the new one came");
        drop(second);
        assert_eq!(running(&world), None);
        assert!(world.lock().front_up("cp"), "containers outlive their kubelet");
        let seen: Vec<What> = world.effects().into_iter().map(|e| e.what).collect();
        let restarted = What::KubeletRestart { version: "v1.32.13".into() };
        assert_eq!(seen.iter().filter(|w| **w == restarted).count(), 1, "{seen:?}");
    }
}
