//! How far an API server's start is, and who reaches it: its port is open before it has read its roles, and a firewall rule of its node
//! can refuse new connections.

use super::core::World;
use super::firewall::Reach;
use super::state::State;
use crate::kubelet;
use jiff::Timestamp;

/// After the port of an API server has opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Warmth {
    /// Not all handlers are installed: /readyz fails, and requests get 503.
    Installing,
    /// /readyz succeeds, and the authorizer has not read its roles: requests get 403.
    WithoutRoles,
    Serves,
}

impl World {
    pub fn warmth(&self, node: &str) -> Warmth {
        let cold = self.shape.timing.cold / self.shape.factor.max(1);
        let opened = self.lock().nodes.get(node).and_then(|n| n.container("kube-apiserver")?.opened);
        let Some(opened) = opened else { return Warmth::Serves };
        let since = self.clock.now().duration_since(opened).unsigned_abs();
        match () {
            () if since < cold / 2 => Warmth::Installing,
            () if since < cold => Warmth::WithoutRoles,
            () => Warmth::Serves,
        }
    }
}

impl State {
    /// Who reaches the API server of a node with a new connection, as far as the node's firewall is concerned.
    pub fn reach(&self, node: &str, now: Timestamp) -> Reach {
        let Some(node) = self.nodes.get(node) else { return Reach::All };
        let port = node.container("kube-apiserver").map_or(6443, |c| kubelet::listens_at(c).1);
        node.firewall.reach(port, now)
    }

    /// Control-plane nodes whose API server takes a new connection from another machine.
    pub fn fronts_for_others(&self, now: Timestamp) -> Vec<String> {
        self.fronts().into_iter().filter(|node| self.reach(node, now) == Reach::All).collect()
    }
}
