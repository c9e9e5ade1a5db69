//! Elastic gangs: they work with fewer pods than they have. A loss that leaves them enough interrupts nothing, so their nodes need not go
//! together, but never so many at once that too few pods are left.

use crate::Stage;
use crate::field::{Field, Past, Task};
use crate::units::Joined;
use podlift_model::NodeName;
use std::collections::{BTreeMap, HashSet};

/// How many pods of a gang may be away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Elastic {
    pub limit: u64,
    /// Those that are away already: their nodes are at work, or they wait for a node. They come back when lanes are over.
    pub away: u64,
}

impl Elastic {
    /// `None` if the gang needs all of its pods. What a gang has lost in this run before is lost as a whole, so that it is not elastic.
    fn of(task: &Task, at_work: &HashSet<&NodeName>) -> Option<Self> {
        let least = task.job.least().filter(|_| task.past != Past::Remnant)?;
        let here = |nodes: &dyn Fn(&NodeName) -> bool| -> u64 {
            let mine = task.job.nodes.iter().filter(|(node, _)| nodes(node));
            mine.map(|(_, pods)| u64::from(*pods)).sum()
        };
        let kept = here(&|node| !at_work.contains(node));
        let wanted = task.job.wanted.map_or(0, u64::from).max(here(&|_| true));
        // Without a lane at work nothing brings a pod back, so the gang is what it has.
        let all = if at_work.is_empty() { kept } else { wanted };
        let limit = all.saturating_sub(least);
        (limit > 0).then_some(Self { limit, away: all - kept })
    }

    pub fn holds(&self, pods: u64) -> bool {
        self.away + pods <= self.limit
    }
}

/// Marks the elastic gangs. A gang that loses too many pods with some nodes which must go together is none: it joins its nodes like others.
pub(crate) fn settle(field: &mut Field) {
    let at_work =
        field.nodes.iter().filter(|node| node.stage == Stage::AtWork).map(|node| node.name).collect();
    let elastic = |(at, task): (usize, &Task)| Some((at, Elastic::of(task, &at_work)?));
    let elastic: Vec<(usize, Elastic)> = field.tasks.iter().enumerate().filter_map(elastic).collect();
    if elastic.is_empty() {
        return;
    }
    elastic.iter().for_each(|(at, elastic)| field.tasks[*at].elastic = Some(*elastic));
    let to_come = field.to_come();
    let mut joined = Joined::of(field, &to_come);
    while let Some(at) = elastic.iter().map(|(at, _)| *at).find(|at| breaks(field, &mut joined, *at)) {
        field.tasks[at].elastic = None;
        joined.join_all(&field.tasks[at].nodes);
    }
    for node in &mut field.nodes {
        let mine = node.tasks.iter().filter(|(at, _)| field.tasks[*at].elastic.is_some());
        node.elastic = mine.copied().collect();
    }
}

/// Whether nodes that go together have more of its pods than may be away.
fn breaks(field: &Field, joined: &mut Joined, at: usize) -> bool {
    let Some(elastic) = field.tasks[at].elastic else { return false };
    let mut pods: BTreeMap<usize, u64> = BTreeMap::new();
    for node in &field.tasks[at].nodes {
        let here = field.nodes[*node].tasks.iter().find(|(task, _)| *task == at);
        *pods.entry(joined.set_of(*node)).or_default() += here.map_or(0, |(_, pods)| u64::from(*pods));
    }
    pods.values().any(|pods| *pods > elastic.limit)
}
