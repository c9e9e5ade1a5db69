//! Six machines and the cluster around them: head (coordinator and command line), three control planes with a real etcd, two workers.
//! Everything is on their disks before the first of them boots.

mod disks;
mod layers;
mod podlift;
mod prepare;
mod wanted;

pub use wanted::{FROM, TO, Wanted};

use crate::bcm::{Daemon, Imaged};
use crate::configs;
use crate::machine::Machine;
use crate::product::Product;
use crate::scratch::Scratch;
use podlift_lab::World;
use podlift_lab::machines::Machines;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Fields end in this order: the folder, and with it every process, last.
pub struct Fleet {
    pub supervisor: Machines,
    machines: BTreeMap<String, Arc<Machine>>,
    /// Where BCM writes machines from images.
    daemon: Option<Arc<Daemon>>,
    imaged: Vec<Imaged>,
    pub product: Product,
    pub scratch: Scratch,
}

impl Fleet {
    pub fn world(&self) -> &Arc<World> {
        &self.supervisor.world
    }

    /// One of the six. Panics for another name: a mistake of the test itself.
    pub fn machine(&self, name: &str) -> &Arc<Machine> {
        self.machines.get(name).unwrap_or_else(|| panic!("the fleet has no machine {name:?}"))
    }

    /// `None` where BCM has no part in the fleet.
    pub fn daemon(&self) -> Option<&Daemon> {
        self.daemon.as_deref()
    }

    /// Machines that BCM writes from images.
    pub fn imaged(&self) -> &[Imaged] {
        &self.imaged
    }

    pub fn nodes(&self) -> impl Iterator<Item = &Arc<Machine>> {
        self.machines.values().filter(|m| m.name != configs::HEAD)
    }

    /// All at once; returns when coordinator and agents have met.
    pub async fn boot(&self) -> anyhow::Result<()> {
        self.power_on().await?;
        self.ready().await
    }

    /// All at once.
    pub async fn power_on(&self) -> anyhow::Result<()> {
        futures_util::future::try_join_all(self.machines.values().map(|m| m.boot())).await?;
        self.fill_etcd().await
    }

    pub async fn stop(self) {
        for machine in self.machines.values() {
            machine.power_off().await;
        }
    }
}
