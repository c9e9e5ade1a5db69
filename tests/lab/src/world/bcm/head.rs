//! Head nodes as a pair: what `cmha status` says on the head with the agent, and what happens when that head dies.

use super::super::core::World;
use crate::doubles::HEAD;
use serde::Deserialize;
use std::sync::Arc;

/// The head with the agent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ha {
    #[default]
    Active,
    Passive,
    /// There is no second head.
    Alone,
    /// Both say that they are active.
    Both,
    /// cmha fails.
    Broken,
}

impl World {
    /// The head's power goes off and on: what CMDaemon did on it has ended, sessions in images too. Afterwards it is this. The caller starts
    /// its agent.
    pub fn head_cut(self: &Arc<Self>, after: Ha) {
        self.power_off(HEAD);
        self.update(|s| {
            s.bcm.ha = after;
            s.bcm.provisioners.iter_mut().for_each(|p| {
                (p.in_use, p.updating) = (0, false);
                p.gets.clear();
            });
            s.bcm.waiting.clear();
            s.bcm.requests.clear();
            s.bcm.tasks.clear();
            s.bcm.images.values_mut().for_each(|i| {
                i.mounts.clear();
                i.processes.clear();
            });
            for place in s.places.values_mut() {
                place.generation += 1;
                place.dpkg_lock = None;
            }
        });
        self.write_mounts();
    }

    /// The same, and the other head is the active one afterwards: images are on the local disk of each head (bcm.md 3), so that after it the
    /// images are as that head last got them, if `heads_differ` says so.
    pub fn head_failover(self: &Arc<Self>) {
        self.head_cut(Ha::Active);
        if self.lock().bcm.switches.heads_differ {
            self.swap_images();
        }
    }

    pub fn set_ha(&self, ha: Ha) {
        self.update(|s| s.bcm.ha = ha);
    }
}
