//! Domain after domain: the units of one domain, until it is over.

use crate::board::Board;
use crate::field::Node;
use crate::{Order, Stage, Take};

/// The units, in the same order, of the domain whose turn it is. Domains that share a unit count as one, because a gang keeps its nodes
/// together. Nodes without the label are one domain.
pub(crate) fn of_turn(board: &Board, free: Vec<usize>, seconds: u64) -> Vec<usize> {
    let one = board.scene.policy.topology.as_ref().is_some_and(|t| t.take == Take::OneDomain);
    if !one {
        return free;
    }
    let sets = sets(board);
    let place = |node: &Node| sets[node.domain.unwrap_or(board.field.domains.len())];
    let set = |unit: &usize| place(&board.field.nodes[board.units[*unit].nodes[0]]);
    let mut turns = vec![Turn::default(); sets.len()];
    for node in &board.field.nodes {
        turns[place(node)].count(node.stage);
    }
    for (order, unit) in free.iter().enumerate() {
        let at = &board.units[*unit];
        let loss = if at.order == Order::LeastLoss { at.loss.after(seconds) } else { 0 };
        turns[set(unit)].add(order, at.nodes.len(), loss);
    }
    let by_loss = board.scene.policy.order == Order::LeastLoss;
    let working = turns.iter().any(|turn| turn.work > 0);
    let turn = (0..turns.len())
        .filter(|at| if working { turns[*at].work > 0 } else { turns[*at].nodes > 0 })
        .min_by_key(|at| turns[*at].key(by_loss));
    free.into_iter().filter(|unit| Some(set(unit)) == turn).collect()
}

#[derive(Clone, Default)]
struct Turn {
    work: usize,
    over: usize,
    /// Nodes to come that may be taken.
    nodes: usize,
    loss: u128,
    /// The place of its first unit in the order; 0 if it has none.
    first: usize,
}

impl Turn {
    fn count(&mut self, stage: Stage) {
        self.work += usize::from(stage == Stage::AtWork);
        self.over += usize::from(stage == Stage::Over);
    }

    fn add(&mut self, order: usize, nodes: usize, loss: u128) {
        if self.nodes == 0 {
            self.first = order;
        }
        self.nodes += nodes;
        self.loss += loss;
    }

    /// A domain that has begun is first, then the one that loses the least for a node.
    fn key(&self, by_loss: bool) -> (bool, bool, u128, usize) {
        let loss = if by_loss { self.loss / self.nodes.max(1) as u128 } else { 0 };
        (self.nodes == 0, self.over == 0 && self.work == 0, loss, self.first)
    }
}

/// For each domain, the lowest domain with which units join it. The last one is that of the nodes without the label.
fn sets(board: &Board) -> Vec<usize> {
    let none = board.field.domains.len();
    let mut parent: Vec<usize> = (0..=none).collect();
    for unit in &board.units {
        let mut domains = unit.nodes.iter().map(|at| board.field.nodes[*at].domain.unwrap_or(none));
        let first = domains.next().unwrap_or(none);
        for other in domains {
            let (a, b) = (root(&parent, first), root(&parent, other));
            parent[a.max(b)] = a.min(b);
        }
    }
    (0..=none).map(|at| root(&parent, at)).collect()
}

fn root(parent: &[usize], mut at: usize) -> usize {
    while parent[at] != at {
        at = parent[at];
    }
    at
}
