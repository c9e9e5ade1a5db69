//! Who dies.

use super::Pod;
use crate::cut::Cut;
use podlift_lab::HEAD_NODE;
use podlift_lab::world::bcm::Ha;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Victim {
    Coordinator,
    /// The agents, all of them.
    Agents,
    Both,
    /// Every machine but the head node, and the head node too: unsynced data, processes and units are gone.
    Power,
    /// The agent of the head node, and nothing else: what it has begun in CMDaemon goes on.
    Head,
    /// The head node: coordinator, agent and what CMDaemon was doing.
    HeadPower,
    /// The first control-plane node, which boots again. BCM writes its software image to it then.
    Plane,
}

impl Victim {
    fn has_coordinator(self) -> bool {
        matches!(self, Self::Coordinator | Self::Both | Self::Power | Self::HeadPower)
    }
}

impl Pod {
    /// Kills, optionally takes the memory of the agents that died, and starts everything again.
    pub async fn strike(&mut self, victim: Victim, memory_lost: bool) {
        if victim.has_coordinator() {
            self.kill_coordinator();
        }
        let agents = self.agents_of(victim);
        agents.iter().for_each(|n| self.kill_agent(n));
        match victim {
            Victim::Power => self.nodes().iter().for_each(|n| self.world.power_cut(n)),
            Victim::Plane => agents.iter().for_each(|n| self.world.power_cut(n)),
            Victim::HeadPower if memory_lost => self.world.head_failover(),
            Victim::HeadPower => self.world.head_cut(Ha::Active),
            _ => {}
        }
        if memory_lost {
            agents.iter().for_each(|n| self.world.lose_state(n));
        }
        // What was aborted is gone before anything new begins.
        tokio::task::yield_now().await;
        if victim.has_coordinator() {
            self.start_coordinator(Cut::never());
        }
        self.start_missing();
    }

    /// One machine boots, and its agent is started again.
    pub async fn reboot(&mut self, node: &str) {
        self.kill_agent(node);
        self.world.power_cut(node);
        tokio::task::yield_now().await;
        self.start_missing();
    }

    fn agents_of(&self, victim: Victim) -> Vec<String> {
        match victim {
            Victim::Coordinator => vec![],
            Victim::Agents | Victim::Both | Victim::Power => self.machines(),
            Victim::Head | Victim::HeadPower => vec![HEAD_NODE.into()],
            Victim::Plane => self.world.shape.control_planes.first().cloned().into_iter().collect(),
        }
    }

    pub(super) fn start_missing(&mut self) {
        for node in self.machines() {
            if !self.agents.contains_key(&node) {
                self.start_agent(&node, Cut::never());
            }
        }
    }
}
