//! Processes that have device files of a node open, as the World has them. Its kubelets have allocated no device to a pod.

use super::Here;
use async_trait::async_trait;
use podlift_agent::host::devices::{Allocation, Devices, Holders};

pub struct Port(pub Here);

#[async_trait]
impl Devices for Port {
    async fn holders(&self) -> Holders {
        let found = match self.0.alive() {
            true => self.0.world.lock().node(&self.0.node).holders.clone(),
            false => vec![],
        };
        Holders { found, unseen: None }
    }

    async fn allocations(&self) -> Result<Vec<Allocation>, String> {
        Ok(vec![])
    }
}
