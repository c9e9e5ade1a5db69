//! Who dies.

use super::Pod;
use crate::cut::Cut;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Victim {
    Coordinator,
    /// The agents, all of them.
    Agents,
    Both,
    /// Every machine but the head node, and the head node too: unsynced data, processes and units are gone.
    Power,
}

impl Pod {
    /// Kills, optionally takes the agents' memory, and starts everything again.
    pub async fn strike(&mut self, victim: Victim, memory_lost: bool) {
        if victim != Victim::Agents {
            self.kill_coordinator();
        }
        let nodes = self.nodes();
        if victim != Victim::Coordinator {
            nodes.iter().for_each(|n| self.kill_agent(n));
        }
        if victim == Victim::Power {
            nodes.iter().for_each(|n| self.world.power_cut(n));
        }
        if memory_lost {
            nodes.iter().for_each(|n| self.kill_agent(n));
            nodes.iter().for_each(|n| self.world.lose_state(n));
        }
        // What was aborted is gone before anything new begins.
        tokio::task::yield_now().await;
        if victim != Victim::Agents {
            self.start_coordinator(Cut::never());
        }
        self.start_missing();
    }

    fn start_missing(&mut self) {
        for node in self.nodes() {
            if !self.agents.contains_key(&node) {
                self.start_agent(&node, Cut::never());
            }
        }
    }
}
