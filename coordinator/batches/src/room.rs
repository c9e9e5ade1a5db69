//! How many nodes may begin now: the limit of all workers and the one that passes, the limits of the groups, and one node of each domain if
//! the policy says so.

use crate::field::{Field, Node};
use crate::{Scene, Stage, Take};

#[derive(Debug, Clone)]
pub(crate) struct Room {
    all: Share,
    /// How many lanes may be at work at present.
    lanes: usize,
    groups: Vec<Share>,
    /// One for each domain, with a limit of one node. Empty unless the policy takes one node of each.
    domains: Vec<Share>,
}

#[derive(Debug, Clone, Copy)]
struct Share {
    limit: usize,
    /// Nodes at work.
    work: usize,
    /// Nodes that are unavailable for other reasons and have a part in this run.
    down: usize,
}

impl Share {
    fn new(limit: usize) -> Self {
        Self { limit, work: 0, down: 0 }
    }

    fn count(&mut self, node: &Node) {
        self.work += usize::from(node.stage == Stage::AtWork);
        self.down += usize::from(node.down && node.stage != Stage::AtWork);
    }

    /// A node that is down already takes no more away when its lane begins.
    fn begin(&mut self, node: &Node) {
        self.work += 1;
        self.down -= usize::from(node.down);
    }

    fn end(&mut self, node: &Node) {
        self.work -= 1;
        self.down += usize::from(node.down);
    }

    fn holds(&self, nodes: usize, up: usize) -> bool {
        self.work + nodes <= self.limit && (up == 0 || self.work + self.down + up <= self.limit)
    }
}

impl Room {
    pub fn of(scene: &Scene, field: &Field) -> Self {
        let apart = scene.policy.topology.as_ref().is_some_and(|t| t.take == Take::OneOfEach);
        let size = |group: usize| field.nodes.iter().filter(|node| node.group == Some(group)).count();
        let group = |(at, group): (usize, &crate::Group)| Share::new(group.max_unavailable.of(size(at)));
        let mut room = Self {
            all: Share::new(scene.max_unavailable as usize),
            lanes: scene.lanes_at_most.min(scene.max_unavailable) as usize,
            groups: scene.policy.groups.iter().enumerate().map(group).collect(),
            domains: if apart { vec![Share::new(1); field.domains.len()] } else { vec![] },
        };
        for node in &field.nodes {
            room.each(node, |share| share.count(node));
        }
        room
    }

    fn each(&mut self, node: &Node, mut change: impl FnMut(&mut Share)) {
        change(&mut self.all);
        if let Some(share) = node.group.and_then(|at| self.groups.get_mut(at)) {
            change(share);
        }
        if let Some(share) = node.domain.and_then(|at| self.domains.get_mut(at)) {
            change(share);
        }
    }

    pub fn begin(&mut self, node: &Node) {
        self.each(node, |share| share.begin(node));
    }

    pub fn end(&mut self, node: &Node) {
        self.each(node, |share| share.end(node));
    }

    pub fn limit(&self) -> usize {
        self.all.limit
    }

    /// Whether no lane more may be at work at present.
    pub fn is_full(&self) -> bool {
        self.all.work >= self.lanes
    }

    /// The limit that passes; `None` if it allows as much as the limit of all workers.
    pub fn passing(&self) -> Option<usize> {
        (self.lanes < self.all.limit).then_some(self.lanes)
    }

    /// The room without the limit that passes.
    pub fn lasting(&self) -> Self {
        Self { lanes: self.all.limit, ..self.clone() }
    }

    pub fn group_limit(&self, group: usize) -> usize {
        self.groups[group].limit
    }

    pub fn at_work(&self) -> usize {
        self.all.work
    }

    /// Whether the nodes fit together in an empty room.
    pub fn holds_ever(&self, field: &Field, nodes: &[usize]) -> bool {
        self.check(field, nodes, |share, nodes, _| nodes <= share.limit)
    }

    /// Whether the nodes fit together now.
    pub fn holds(&self, field: &Field, nodes: &[usize]) -> bool {
        self.all.work + nodes.len() <= self.lanes && self.check(field, nodes, Share::holds)
    }

    fn check(&self, field: &Field, nodes: &[usize], fits: impl Fn(&Share, usize, usize) -> bool) -> bool {
        let up = |at: &usize| usize::from(!field.nodes[*at].down);
        if !fits(&self.all, nodes.len(), nodes.iter().map(up).sum()) {
            return false;
        }
        let part = |share: &Share, same: &dyn Fn(&Node) -> bool| {
            let mine = || nodes.iter().filter(|at| same(&field.nodes[**at]));
            fits(share, mine().count(), mine().map(up).sum())
        };
        nodes.iter().all(|at| {
            let node = &field.nodes[*at];
            let group = node.group.and_then(|at| self.groups.get(at));
            let domain = node.domain.and_then(|at| self.domains.get(at));
            group.is_none_or(|share| part(share, &|other| other.group == node.group))
                && domain.is_none_or(|share| part(share, &|other| other.domain == node.domain))
        })
    }
}
