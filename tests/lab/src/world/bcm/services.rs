//! What CMDaemon does to the nodes of a category when anything of the category is committed: each service gets the state that it should
//! have, on all of them at once (bcm-2.md 2.2: a stopped service came back on 18 nodes).

use super::super::core::World;
use crate::kubelet;
use std::sync::Arc;

impl World {
    /// Kubelets that were stopped run again.
    pub fn assert_services(self: &Arc<Self>, category: &str) {
        let stopped: Vec<String> = {
            let s = self.lock();
            let of = |name: &&String| {
                s.bcm.devices.get(*name).is_some_and(|d| d.category.as_deref() == Some(category))
            };
            let stopped = s.nodes.iter().filter(|(_, n)| n.kubelet.running.is_none() && !n.off);
            stopped.map(|(name, _)| name).filter(of).cloned().collect()
        };
        stopped.iter().for_each(|node| kubelet::boot(self, node));
    }
}
