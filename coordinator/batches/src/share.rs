//! One limit, and how much of it is taken.

use crate::Stage;
use crate::field::Node;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Share {
    pub limit: usize,
    /// How many nodes may be at work until the canary of the group is over.
    pub canary: Option<usize>,
    /// Nodes at work.
    pub work: usize,
    /// Nodes that are unavailable for other reasons and have a part in this run.
    pub down: usize,
}

impl Share {
    pub fn new(limit: usize) -> Self {
        Self { limit, canary: None, work: 0, down: 0 }
    }

    pub fn count(&mut self, node: &Node) {
        self.work += usize::from(node.stage == Stage::AtWork);
        self.down += usize::from(node.down && node.stage != Stage::AtWork);
    }

    /// A node that is down already takes no more away when its lane begins.
    pub fn begin(&mut self, node: &Node) {
        self.work += 1;
        self.down -= usize::from(node.down);
    }

    pub fn end(&mut self, node: &Node) {
        self.work -= 1;
        self.down += usize::from(node.down);
    }

    /// Whether so many nodes more fit, of which so many are up at present.
    pub fn holds(&self, nodes: usize, up: usize) -> bool {
        let most = self.canary.map_or(self.limit, |canary| canary.min(self.limit));
        self.work + nodes <= most && (up == 0 || self.work + self.down + up <= self.limit)
    }
}
