//! Extended resources of a node. A device plugin registers again after each start of the kubelet; until then nothing of its resource is
//! allocatable, although the node is Ready.

use crate::objects::Key;
use crate::world::World;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// From a node that is Ready to a device plugin that has registered.
const REGISTERS: Duration = Duration::from_secs(8);

/// The kubelet has just registered its node: it knows no plugin yet.
pub fn wait_for_plugin(world: &Arc<World>, node: &str) {
    if !set(world, node, |_, _| 0) {
        return;
    }
    let (world, at) = (world.clone(), node.to_string());
    let start = world.lock().node(node).kubelet.restarts;
    world.clone().spawn(node, async move {
        world.sleep(REGISTERS).await;
        let lost = {
            let s = world.lock();
            let n = s.node(&at);
            if n.kubelet.restarts != start {
                return;
            }
            n.lost_devices.clone()
        };
        set(&world, &at, |name, capacity| capacity.saturating_sub(lost.get(name).copied().unwrap_or(0)));
    });
}

/// Sets what is allocatable of each extended resource by its capacity. False: the node has none.
fn set(world: &World, node: &str, amount: impl Fn(&str, u64) -> u64) -> bool {
    let mut any = false;
    world.update(|s| {
        s.api.change(&Key::node(node), |v| {
            let capacity = v["status"]["capacity"].as_object().cloned().unwrap_or_default();
            for (name, has) in capacity.iter().filter(|(name, _)| name.contains('/')) {
                let has = number(has);
                any |= has > 0;
                v["status"]["allocatable"][name] = json!(amount(name, has).to_string());
            }
        })
    });
    any
}

fn number(amount: &Value) -> u64 {
    amount.as_str().and_then(|a| a.parse().ok()).unwrap_or(0)
}
