//! The kubelet of each node: manifests in, containers and mirror pods out, with the delays and the traps of the real one. It never
//! judges health: a pod whose container crashed once is Running. The first start of another minor makes every static pod anew.

mod container;
mod decode;
mod devices;
mod files;
mod machine;
mod mirror;
mod ports;
mod process;
mod pull;
mod source;
mod worker;

pub use files::{Manifest, parse};
pub use machine::process;
pub use ports::{HEALTHZ, listens_at};
pub use process::{restart, set_condition, set_ready};

use crate::world::World;
use std::sync::Arc;

/// Containers and mirror pods of what is in the manifest directory, as if it had run for long.
pub fn adopt(world: &Arc<World>, node: &str) {
    let minor = world.lock().node(node).kubelet.pods_of;
    for (_, manifest) in files::read_all(world.disk(node).as_ref(), node, minor) {
        let images: Vec<String> = manifest.images().collect();
        world.load_images(node, &images);
        container::start(world, node, &manifest, 0);
        container::set_listening(world, node, &manifest);
        container::runs_for_long(world, node, &manifest);
        mirror::publish(world, node, &manifest);
        mirror::report(world, node, &manifest);
    }
}

/// The same after a boot.
pub fn boot(world: &Arc<World>, node: &str) {
    process::booted(world, node);
    start(world, node);
}

/// Runs the node's kubelet until its power is cut.
pub fn start(world: &Arc<World>, node: &str) {
    world.spawn(node, source::run(world.clone(), node.to_string()));
}
