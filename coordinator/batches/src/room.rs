//! How many nodes may begin now: the limit of all workers and the one that passes, the limits of the groups, one node of each domain if the
//! policy says so, and the pods that elastic gangs can do without.

use crate::elastic::Elastic;
use crate::field::{Field, Node};
use crate::share::Share;
use crate::{Scene, Take};
use std::collections::BTreeMap;

#[derive(Debug, Clone)]
pub(crate) struct Room {
    all: Share,
    /// How many lanes may be at work at present.
    lanes: usize,
    groups: Vec<Share>,
    /// One for each domain, with a limit of one node. Empty unless the policy takes one node of each.
    domains: Vec<Share>,
    /// The elastic gangs, by their tasks.
    gangs: BTreeMap<usize, Elastic>,
}

/// A part of the room, with a limit of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    All,
    Group(usize),
    Domain(usize),
    Gang(usize),
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
            gangs: field
                .tasks
                .iter()
                .enumerate()
                .filter_map(|(at, task)| Some((at, task.elastic?)))
                .collect(),
        };
        for node in &field.nodes {
            room.each(node, |share| share.count(node));
        }
        room
    }

    /// The parts of the room that the node takes from.
    pub fn places<'n>(&self, node: &'n Node) -> impl Iterator<Item = Place> + use<'n> {
        self.shares(node).chain(node.elastic.iter().map(|(task, _)| Place::Gang(*task)))
    }

    fn shares(&self, node: &Node) -> impl Iterator<Item = Place> + use<> {
        let group = node.group.filter(|at| *at < self.groups.len()).map(Place::Group);
        let domain = node.domain.filter(|at| *at < self.domains.len()).map(Place::Domain);
        [Some(Place::All), group, domain].into_iter().flatten()
    }

    fn share(&self, place: Place) -> &Share {
        match place {
            Place::Group(at) => &self.groups[at],
            Place::Domain(at) => &self.domains[at],
            Place::All | Place::Gang(_) => &self.all,
        }
    }

    fn each(&mut self, node: &Node, change: impl Fn(&mut Share)) {
        for place in self.shares(node) {
            change(match place {
                Place::Group(at) => &mut self.groups[at],
                Place::Domain(at) => &mut self.domains[at],
                Place::All | Place::Gang(_) => &mut self.all,
            });
        }
    }

    pub fn begin(&mut self, node: &Node) {
        self.each(node, |share| share.begin(node));
        for (task, pods) in &node.elastic {
            self.gangs.entry(*task).and_modify(|gang| gang.away += u64::from(*pods));
        }
    }

    /// The pods of elastic gangs come back when no lane is at work any more, and those of this node now.
    pub fn end(&mut self, node: &Node) {
        self.each(node, |share| share.end(node));
        let idle = self.all.work == 0;
        for (task, gang) in &mut self.gangs {
            let back = node.elastic.iter().find(|(at, _)| at == task).map_or(0, |(_, pods)| u64::from(*pods));
            gang.away = if idle { 0 } else { gang.away.saturating_sub(back) };
        }
    }

    pub fn limit(&self) -> usize {
        self.all.limit
    }

    /// Whether no lane more may be at work at present.
    pub fn is_full(&self) -> bool {
        self.all.work >= self.lanes
    }

    /// Whether a lane may be at work at present.
    pub fn may_work(&self) -> bool {
        self.lanes > 0
    }

    /// The limit that passes; `None` if it allows as much as the limit of all workers.
    pub fn passing(&self) -> Option<usize> {
        (self.lanes < self.all.limit).then_some(self.lanes)
    }

    /// At most so many lanes of the group are at work until its canary is over; `None` if it is, or if the group has none.
    pub fn limit_canary(&mut self, group: usize, lanes: Option<usize>) {
        self.groups[group].canary = lanes;
    }

    pub fn has_canaries(&self) -> bool {
        self.groups.iter().any(|share| share.canary.is_some())
    }

    /// The room without the limits of canaries.
    pub fn without_canaries(&self) -> Self {
        let groups = self.groups.iter().map(|share| Share { canary: None, ..*share }).collect();
        Self { groups, ..self.clone() }
    }

    /// The room without the limits that pass.
    pub fn lasting(&self) -> Self {
        Self { lanes: self.all.limit, ..self.without_canaries() }
    }

    /// The room when every lane at work is over.
    pub fn without_lanes(&self) -> Self {
        let over = |share: &Share| Share { work: 0, ..*share };
        let all = |shares: &[Share]| shares.iter().map(over).collect();
        Self {
            all: over(&self.all),
            lanes: self.lanes,
            groups: all(&self.groups),
            domains: all(&self.domains),
            gangs: self.gangs.iter().map(|(at, gang)| (*at, Elastic { away: 0, ..*gang })).collect(),
        }
    }

    pub fn group_limit(&self, group: usize) -> usize {
        self.groups[group].limit
    }

    pub fn at_work(&self) -> usize {
        self.all.work
    }

    /// Whether the nodes fit together in an empty room.
    pub fn holds_ever(&self, field: &Field, nodes: &[usize]) -> bool {
        nodes.len() <= self.all.limit
            && self.parts(field, nodes).into_iter().all(|(place, part)| part.nodes <= self.share(place).limit)
    }

    /// Whether the nodes fit together now.
    pub fn holds(&self, field: &Field, nodes: &[usize]) -> bool {
        self.all.work + nodes.len() <= self.lanes && self.lacks(field, nodes).is_empty()
    }

    /// The parts of the room that are too full for the nodes now.
    pub fn lacks(&self, field: &Field, nodes: &[usize]) -> Vec<Place> {
        let fits = |place: Place, part: &Part| {
            let lanes = place != Place::All || self.all.work + part.nodes <= self.lanes;
            lanes && self.share(place).holds(part.nodes, part.up)
        };
        let parts = self.parts(field, nodes).into_iter();
        let full = parts.filter(|(place, part)| !fits(*place, part)).map(|(place, _)| place);
        full.chain(self.gangs_without(field, nodes)).collect()
    }

    /// The elastic gangs that would keep too few pods.
    fn gangs_without(&self, field: &Field, nodes: &[usize]) -> Vec<Place> {
        let mut pods: BTreeMap<usize, u64> = BTreeMap::new();
        for (task, here) in nodes.iter().flat_map(|at| &field.nodes[*at].elastic) {
            *pods.entry(*task).or_default() += u64::from(*here);
        }
        pods.retain(|task, pods| self.gangs.get(task).is_some_and(|gang| !gang.holds(*pods)));
        pods.into_keys().map(Place::Gang).collect()
    }

    fn parts(&self, field: &Field, nodes: &[usize]) -> BTreeMap<Place, Part> {
        let mut parts: BTreeMap<Place, Part> = BTreeMap::new();
        for node in nodes.iter().map(|at| &field.nodes[*at]) {
            for place in self.shares(node) {
                let part = parts.entry(place).or_default();
                part.nodes += 1;
                part.up += usize::from(!node.down);
            }
        }
        parts
    }
}

/// How much of a part of the room some nodes take.
#[derive(Default)]
struct Part {
    nodes: usize,
    /// Those of them that are not down already.
    up: usize,
}
