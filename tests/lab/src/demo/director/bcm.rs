//! What a scenario says of BCM.

use super::super::scenario::{Action, SyncEnd};
use crate::world::World;

/// rsync's code for a partial transfer.
const PARTIAL: i32 = 23;

/// False: it is none of BCM's. `to` is the target version.
pub fn sow(world: &World, to: &str, action: &Action) -> bool {
    match action {
        Action::Bcm { lists, recorded } => world.update(|s| {
            s.bcm.versions = lists.clone().unwrap_or_else(|| s.bcm.versions.clone());
            s.bcm.version = recorded.clone().unwrap_or_else(|| s.bcm.version.clone());
        }),
        Action::Cmsh(order) => {
            let part = order.part.replace("{to}", to.trim_start_matches('v'));
            world.cmsh_lies(&part, order.lie(), order.times);
        }
        Action::Sync { nodes, how } => nodes.iter().for_each(|node| ends(world, node, *how)),
        Action::HeadMode(ha) => world.set_ha(*ha),
        Action::BcmWritesConfig => drop(world.bcm_writes_config()),
        _ => return false,
    }
    true
}

fn ends(world: &World, node: &str, how: SyncEnd) {
    let name = || node.to_string();
    world.bcm(|b| {
        for set in [&mut b.empty_syncs, &mut b.lost_requests, &mut b.endless, &mut b.full] {
            set.remove(node);
        }
        b.failing_requests.remove(node);
        match how {
            SyncEnd::Well => false,
            SyncEnd::Empty => b.empty_syncs.insert(name()),
            SyncEnd::Lost => b.lost_requests.insert(name()),
            SyncEnd::Fails => b.failing_requests.insert(name(), PARTIAL).is_none(),
            SyncEnd::Endless => b.endless.insert(name()),
            SyncEnd::Full => b.full.insert(name()),
        };
    });
}
