//! Units: nodes that are taken together because gangs join them. A node without a gang on other nodes is a unit of its own.

use crate::Order;
use crate::field::{Field, Past};
use crate::room::Room;
use jiff::Timestamp;

pub(crate) struct Unit {
    /// Ascending.
    pub nodes: Vec<usize>,
    /// The tasks on them that lose work, ascending.
    pub tasks: Vec<usize>,
    /// All pods on them.
    pub pods: u64,
    /// Whether its nodes fit into an empty room together.
    pub whole: bool,
    /// The tasks that must not be interrupted.
    pub never: Vec<usize>,
    /// The gangs that are too large for an empty room, and not interrupted already.
    pub large: Vec<usize>,
    pub loss: Loss,
    /// The calendars of its nodes, ascending: each must be open when it begins.
    pub calendars: Vec<usize>,
    /// That of its lowest node.
    pub order: Order,
}

/// The GPU-seconds that are lost when the unit is taken, as a function of the time.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Loss {
    /// Thousandths of GPU-seconds at the time of the scene.
    base: u128,
    /// Thousandths of GPUs at work.
    rate: u128,
}

impl Loss {
    /// Of a set of nodes to come. A gang is lost as a whole; of an elastic one, and of another job, only the pods on these nodes.
    pub fn of(field: &Field, nodes: &[usize], tasks: &[usize], now: Timestamp) -> Self {
        let mut loss = Self::default();
        for at in tasks {
            let task = &field.tasks[*at];
            if task.past == Past::Remnant {
                continue;
            }
            let here: u64 = if task.job.gang && task.elastic.is_none() {
                task.pods
            } else {
                let pods = |node: &usize| field.nodes[*node].tasks.iter().find(|(t, _)| t == at);
                nodes.iter().filter_map(pods).map(|(_, pods)| u64::from(*pods)).sum()
            };
            let rate = u128::from(task.job.gpus) * 1000 * u128::from(here) / u128::from(task.pods);
            let age = task.job.since.map_or(0, |since| now.duration_since(since).as_secs().max(0));
            loss.rate += rate;
            loss.base += rate * u128::from(age.unsigned_abs());
        }
        loss
    }

    /// In thousandths of GPU-seconds, so many seconds after the time of the scene.
    pub fn after(&self, seconds: u64) -> u128 {
        self.base + self.rate * u128::from(seconds)
    }
}

/// The units of these nodes, which are ascending. Each gang has all its nodes to come among them, or none.
pub(crate) fn units(field: &Field, room: &Room, nodes: &[usize], now: Timestamp) -> Vec<Unit> {
    Joined::of(field, nodes).sets().into_iter().map(|nodes| unit(field, room, nodes, now)).collect()
}

fn unit(field: &Field, room: &Room, nodes: Vec<usize>, now: Timestamp) -> Unit {
    let here = || nodes.iter().flat_map(|at| &field.nodes[*at].tasks);
    let mut all: Vec<usize> = here().map(|(task, _)| *task).collect();
    all.sort_unstable();
    all.dedup();
    let tasks: Vec<usize> = all.iter().copied().filter(|at| field.tasks[*at].counts()).collect();
    let large = |at: &usize| {
        let task = &field.tasks[*at];
        task.joins() && task.past != Past::Remnant && !room.holds_ever(field, &task.nodes)
    };
    let never = |at: &usize| field.tasks[*at].job.never.is_some() && !field.tasks[*at].gone;
    let mut calendars: Vec<usize> = nodes.iter().map(|at| field.nodes[*at].calendar).collect();
    calendars.sort_unstable();
    calendars.dedup();
    Unit {
        calendars,
        order: field.nodes[nodes[0]].order,
        pods: here().map(|(_, pods)| u64::from(*pods)).sum(),
        whole: room.holds_ever(field, &nodes),
        large: tasks.iter().copied().filter(large).collect(),
        never: all.into_iter().filter(never).collect(),
        loss: Loss::of(field, &nodes, &tasks, now),
        nodes,
        tasks,
    }
}

/// Disjoint sets of nodes.
pub(crate) struct Joined<'a> {
    nodes: &'a [usize],
    /// By the place of a node in `nodes`; a root is its own parent and the lowest of its set.
    parent: Vec<usize>,
}

impl<'a> Joined<'a> {
    /// These nodes, which are ascending, with those of each gang joined.
    pub fn of(field: &Field, nodes: &'a [usize]) -> Self {
        let mut joined = Self { nodes, parent: (0..nodes.len()).collect() };
        for node in nodes {
            for (task, _) in &field.nodes[*node].tasks {
                let task = &field.tasks[*task];
                if task.joins() && task.nodes[0] == *node {
                    joined.join_all(&task.nodes);
                }
            }
        }
        joined
    }

    pub fn join_all(&mut self, nodes: &[usize]) {
        nodes.iter().for_each(|node| self.join(nodes[0], *node));
    }

    /// A number that the nodes of one set have in common; that of a node which is not among the nodes is its own.
    pub fn set_of(&mut self, node: usize) -> usize {
        match self.nodes.binary_search(&node) {
            Ok(at) => self.nodes[self.root(at)],
            Err(_) => node,
        }
    }

    fn root(&mut self, mut at: usize) -> usize {
        while self.parent[at] != at {
            self.parent[at] = self.parent[self.parent[at]];
            at = self.parent[at];
        }
        at
    }

    fn join(&mut self, a: usize, b: usize) {
        let place = |node: usize| self.nodes.binary_search(&node).ok();
        let (Some(a), Some(b)) = (place(a), place(b)) else { return };
        let (a, b) = (self.root(a), self.root(b));
        self.parent[a.max(b)] = a.min(b);
    }

    fn sets(mut self) -> Vec<Vec<usize>> {
        let mut sets: Vec<Vec<usize>> = vec![vec![]; self.nodes.len()];
        for at in 0..self.nodes.len() {
            let root = self.root(at);
            sets[root].push(self.nodes[at]);
        }
        sets.retain(|set| !set.is_empty());
        sets
    }
}
