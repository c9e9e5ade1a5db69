//! The agent's ports on the World, in process: what an agent of this node would see. A Host belongs to one boot of its node; after a
//! power cut it only fails.

mod commands;
mod devices;
mod files;
mod http;
mod processes;
mod record;
mod watch;

pub use http::component;
pub use record::in_process;

use crate::disk::Disk;
use crate::world::World;
use crate::world::state::State;
use jiff::{SignedDuration, Timestamp};
use podlift_agent::host::Host;
use podlift_common::clock::Clock;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// A node as one boot of it.
#[derive(Clone)]
struct Here {
    world: Arc<World>,
    node: String,
    generation: u64,
    /// The node's, or that of a second machine with its name.
    disk: Arc<dyn Disk>,
}

impl Here {
    fn alive(&self) -> bool {
        self.alive_in(&self.world.lock())
    }
    fn alive_in(&self, state: &State) -> bool {
        state.node(&self.node).generation == self.generation
    }
    fn check(&self) -> io::Result<()> {
        let cut = || io::Error::other("the power of this node was cut");
        if self.alive() { Ok(()) } else { Err(cut()) }
    }
}

impl World {
    /// Ports of a node as it is booted now.
    pub fn host(self: &Arc<Self>, node: &str) -> Host {
        self.host_on(node, self.disk(node))
    }

    /// Ports of a second machine that was cloned from this node and has its name: its files are its own, its tools and its network are
    /// the node's.
    pub fn second_machine(self: &Arc<Self>, node: &str) -> Host {
        self.host_on(node, self.cloned_disk(node))
    }

    fn host_on(self: &Arc<Self>, node: &str, disk: Arc<dyn Disk>) -> Host {
        let generation = self.lock().node(node).generation;
        let here = Here { world: self.clone(), node: node.into(), generation, disk };
        Host {
            commands: Arc::new(commands::Port(here.clone())),
            files: Arc::new(files::Port(here.clone())),
            http: Arc::new(http::Port(here.clone())),
            watch: Arc::new(watch::Port(here.clone())),
            clock: Arc::new(Ahead { world: self.clone(), node: node.into() }),
            devices: Arc::new(devices::Port(here.clone())),
            processes: Arc::new(processes::Port(here)),
        }
    }
}

/// The wall clock of a node, which may be wrong. Time limits are the kernel's and never are.
struct Ahead {
    world: Arc<World>,
    node: String,
}

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        let ahead = self.world.lock().node(&self.node).clock_ahead;
        self.world.clock.now() + SignedDuration::from_millis(ahead)
    }

    fn since_boot(&self) -> Duration {
        self.world.clock.since_boot()
    }
}
