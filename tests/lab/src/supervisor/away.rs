//! How long each API server takes no new connection from other machines, or answers them without its roles: by the World, not by asking.

use crate::world::firewall::Reach;
use crate::world::{State, Warmth, What, World};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;

/// Between two looks.
const LOOK: Duration = Duration::from_millis(10);

/// Seconds of one API server.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Away {
    /// While kubeadm upgrades its static pods.
    pub pass_1_s: f64,
    /// From the installation of its kubelet on.
    pub pass_2_s: f64,
}

pub struct Watch {
    seen: Arc<Mutex<BTreeMap<String, Away>>>,
    _task: JoinSet<()>,
}

impl Watch {
    pub fn start(world: &Arc<World>) -> Self {
        let nodes = world.shape.control_planes.iter().map(|n| (n.clone(), Away::default()));
        let seen = Arc::new(Mutex::new(nodes.collect::<BTreeMap<_, _>>()));
        let mut task = JoinSet::new();
        task.spawn(look_on(world.clone(), seen.clone()));
        Self { seen, _task: task }
    }

    pub fn seconds(&self) -> BTreeMap<String, Away> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn look_on(world: Arc<World>, seen: Arc<Mutex<BTreeMap<String, Away>>>) {
    let mut before = tokio::time::Instant::now();
    loop {
        tokio::time::sleep(LOOK).await;
        let now = tokio::time::Instant::now();
        let seconds = (now - before).as_secs_f64();
        before = now;
        for (node, away) in seen.lock().unwrap_or_else(PoisonError::into_inner).iter_mut() {
            if takes(&world, node) {
                continue;
            }
            match second_pass(&world.lock(), node) {
                true => away.pass_2_s += seconds,
                false => away.pass_1_s += seconds,
            }
        }
    }
}

fn takes(world: &World, node: &str) -> bool {
    let reached = {
        let s = world.lock();
        s.front_up(node) && s.reach(node, world.clock.now()) == Reach::All
    };
    reached && world.warmth(node) == Warmth::Serves
}

fn second_pass(s: &State, node: &str) -> bool {
    let kubelet = |w: &What| matches!(w, What::PackageInstall { package, .. } if package == "kubelet");
    s.effects.iter().any(|e| e.node == node && kubelet(&e.what))
}
