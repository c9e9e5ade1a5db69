//! The position of a run in its plan: which step of each lane comes next, which lanes have begun, which steps are open or failed. `apply`
//! alone derives it from the steps' states. Without it, each question would have to read every step of thousands of nodes.

use super::admission;
use super::step::{StepState, StepStatus};
use crate::program::{Program, StepSpec};
use podlift_model::{NodeName, StepId};
use rpds::{RedBlackTreeMapSync, RedBlackTreeSetSync};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Step states. A copy is cheap, because copies share the unchanged entries.
pub type Steps = RedBlackTreeMapSync<StepId, StepState>;

/// A lane by its number in the plan, from 0.
pub(super) type LaneNumber = u32;

/// Positions of the steps in a plan. Made once for a run.
#[derive(Debug, PartialEq)]
struct Index {
    steps: HashMap<StepId, (LaneNumber, usize)>,
    /// The phase of each lane, and the lane's position in it.
    lanes: Vec<(usize, usize)>,
    nodes: BTreeMap<NodeName, Vec<LaneNumber>>,
}

/// Lanes of a phase that are not over.
#[derive(Debug, Clone, PartialEq, Default)]
struct PhaseTrack {
    /// Lanes with at least one step that is not pending.
    begun: RedBlackTreeSetSync<LaneNumber>,
    waiting: RedBlackTreeSetSync<LaneNumber>,
    /// Lanes that have let others pass; they come after the waiting ones.
    away: RedBlackTreeSetSync<LaneNumber>,
    /// Lanes of any of these kinds in which an op was sent, or that an operator wants to be tried again.
    touched: RedBlackTreeSetSync<LaneNumber>,
}

impl PhaseTrack {
    fn is_over(&self) -> bool {
        self.begun.is_empty() && self.waiting.is_empty() && self.away.is_empty()
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Track {
    index: Arc<Index>,
    phases: Vec<PhaseTrack>,
    /// How many steps of each lane are over; `over` counts all of the plan.
    over_in: Vec<u16>,
    pub over: usize,
    pub open: RedBlackTreeSetSync<(LaneNumber, usize)>,
    pub failed: RedBlackTreeSetSync<(LaneNumber, usize)>,
}

impl Index {
    fn of(plan: &Program) -> Self {
        let mut index = Self { steps: HashMap::new(), lanes: vec![], nodes: BTreeMap::new() };
        for (p, phase) in plan.phases.iter().enumerate() {
            for (l, lane) in phase.lanes.iter().enumerate() {
                let number = index.lanes.len() as LaneNumber;
                index.lanes.push((p, l));
                index.steps.extend(lane.steps.iter().enumerate().map(|(i, s)| (s.id.clone(), (number, i))));
                if let Some(node) = &lane.node {
                    index.nodes.entry(node.clone()).or_default().push(number);
                }
            }
        }
        index
    }
}

impl Track {
    pub fn new(plan: &Program, steps: &Steps) -> Self {
        let index = Arc::new(Index::of(plan));
        let phases = plan.phases.iter().map(|_| PhaseTrack::default()).collect();
        let over_in = vec![0; index.lanes.len()];
        let (open, failed) = Default::default();
        let mut track = Self { index, phases, over_in, over: 0, open, failed };
        track.look_at_all(plan, steps);
        track
    }

    pub fn spec<'a>(&self, plan: &'a Program, id: &StepId) -> Option<&'a StepSpec> {
        let (lane, step) = self.index.steps.get(id)?;
        self.lane(plan, *lane).get(*step)
    }

    /// The lane of a step, with the lane's phase.
    pub fn lane_of(&self, id: &StepId) -> Option<(LaneNumber, usize)> {
        let (lane, _) = self.index.steps.get(id)?;
        Some((*lane, self.index.lanes[*lane as usize].0))
    }

    pub fn at<'a>(&self, plan: &'a Program, (lane, step): (LaneNumber, usize)) -> Option<&'a StepSpec> {
        self.lane(plan, lane).get(step)
    }

    pub fn steps_in<'a>(&self, plan: &'a Program, lane: LaneNumber) -> &'a [StepSpec] {
        self.lane(plan, lane)
    }

    fn lane<'a>(&self, plan: &'a Program, lane: LaneNumber) -> &'a [StepSpec] {
        let (p, l) = self.index.lanes[lane as usize];
        &plan.phases[p].lanes[l].steps
    }

    /// Steps of a node in the plan's order.
    pub fn of_node<'a>(&self, plan: &'a Program, node: &NodeName) -> impl Iterator<Item = &'a StepSpec> {
        let lanes = self.index.nodes.get(node).cloned().unwrap_or_default();
        let lanes: Vec<&'a [StepSpec]> = lanes.into_iter().map(|lane| self.lane(plan, lane)).collect();
        lanes.into_iter().flatten()
    }

    /// The first phase that is not over.
    pub fn phase(&self) -> Option<usize> {
        self.phases.iter().position(|p| !p.is_over())
    }

    /// Lanes of a phase whose turn it is, in order. Lanes that have begun keep their place, and new lanes take what is left of `parallel`.
    /// When all others have had their turn, the lanes at the end of the line may wait for their nodes `together`.
    /// Where lanes have to be chosen, only those begin that are `admitted`.
    pub fn turns<'a>(
        &'a self,
        phase: usize,
        parallel: usize,
        together: bool,
        admitted: Option<&'a RedBlackTreeSetSync<LaneNumber>>,
    ) -> impl Iterator<Item = LaneNumber> + 'a {
        let p = &self.phases[phase];
        let free = parallel.saturating_sub(p.begun.size());
        let next =
            admitted.map_or(p.waiting.size(), |set| set.iter().filter(|l| p.waiting.contains(*l)).count());
        let left = free.saturating_sub(next);
        let away = if together && left > 0 { usize::MAX } else { left };
        // Few lanes are admitted and not over, so they are the ones to go through.
        let in_order = p.waiting.iter().filter(move |_| admitted.is_none());
        let chosen = admitted.into_iter().flat_map(|set| set.iter()).filter(|lane| p.waiting.contains(*lane));
        p.begun.iter().chain(in_order.chain(chosen).take(free)).chain(p.away.iter().take(away)).copied()
    }

    /// Lanes of a phase that have begun, or that may begin and are not away.
    pub fn at_work<'a>(
        &'a self,
        phase: usize,
        admitted: &'a RedBlackTreeSetSync<LaneNumber>,
    ) -> impl Iterator<Item = LaneNumber> + 'a {
        let p = &self.phases[phase];
        p.begun.iter().chain(admitted.iter().filter(|lane| p.waiting.contains(*lane))).copied()
    }

    /// Lanes of a phase that have not begun, without those that let others pass.
    pub fn not_begun(&self, phase: usize) -> impl Iterator<Item = LaneNumber> {
        self.phases[phase].waiting.iter().copied()
    }

    /// Nodes of the lanes of a phase that are over, in the plan's order.
    pub fn over_nodes<'a>(&'a self, plan: &'a Program, phase: usize) -> impl Iterator<Item = &'a NodeName> {
        let lanes = self.index.lanes.iter().enumerate().filter(move |(_, (p, _))| *p == phase);
        let lanes = lanes.map(|(number, _)| number as LaneNumber);
        let over = move |lane: &LaneNumber| {
            usize::from(self.over_in[*lane as usize]) == self.lane(plan, *lane).len()
        };
        lanes.filter(over).filter_map(move |lane| self.node_of(plan, lane))
    }

    pub fn has_begun(&self, phase: usize, lane: LaneNumber) -> bool {
        self.phases[phase].begun.contains(&lane)
    }

    pub fn is_away(&self, phase: usize, lane: LaneNumber) -> bool {
        self.phases[phase].away.contains(&lane)
    }

    pub fn node_of<'a>(&self, plan: &'a Program, lane: LaneNumber) -> Option<&'a NodeName> {
        let (p, l) = self.index.lanes[lane as usize];
        plan.phases[p].lanes[l].node.as_ref()
    }

    pub fn lanes_of(&self, node: &NodeName) -> &[LaneNumber] {
        self.index.nodes.get(node).map_or(&[], Vec::as_slice)
    }

    /// The lane of a node in a phase.
    pub fn lane_at(&self, phase: usize, node: &NodeName) -> Option<LaneNumber> {
        self.lanes_of(node).iter().copied().find(|lane| self.index.lanes[*lane as usize].0 == phase)
    }

    /// Lanes of a phase that belong to the cluster as a whole.
    pub fn of_cluster(&self, plan: &Program, phase: usize) -> impl Iterator<Item = LaneNumber> {
        let lanes = self.index.lanes.iter().enumerate().filter(move |(_, (p, _))| *p == phase);
        let lanes = lanes.map(|(number, _)| number as LaneNumber);
        lanes.filter(move |lane| self.node_of(plan, *lane).is_none())
    }

    /// Whether a lane of the cluster as a whole has failed in this phase.
    pub fn cluster_failed(&self, plan: &Program, phase: usize) -> bool {
        let mut failed = self.failed.iter().filter(|(lane, _)| self.index.lanes[*lane as usize].0 == phase);
        failed.any(|at| self.at(plan, *at).is_some_and(|spec| spec.node.is_none()))
    }

    /// The last phase with lanes that were touched and are not over.
    pub fn last_touched(&self) -> Option<usize> {
        self.phases.iter().rposition(|p| !p.touched.is_empty())
    }

    /// Touched lanes of a phase in their order. No more than `parallel` go on at once, unless more have begun already.
    pub fn touched<'a>(
        &'a self,
        phase: usize,
        parallel: usize,
        admitted: Option<&'a RedBlackTreeSetSync<LaneNumber>>,
    ) -> impl Iterator<Item = LaneNumber> + 'a {
        let p = &self.phases[phase];
        let failed = |lane: &LaneNumber| self.failed.iter().any(|(of, _)| of == lane);
        let lanes = p.touched.iter().filter(|lane| !failed(lane)).copied();
        let (begun, again): (Vec<_>, Vec<_>) = lanes.partition(|lane| p.begun.contains(lane));
        let free = parallel.saturating_sub(begun.len());
        let may = move |lane: &LaneNumber| admitted.is_none_or(|set| set.contains(lane));
        begun.into_iter().chain(again.into_iter().filter(may).take(free))
    }

    /// How many lanes of a phase have begun and are not over, and how many are over.
    pub fn begun_and_over(&self, phase: usize) -> (usize, usize) {
        let p = &self.phases[phase];
        let all = self.index.lanes.iter().filter(|(of, _)| *of == phase).count();
        (p.begun.size(), all - p.begun.size() - p.waiting.size() - p.away.size())
    }

    /// The first step of a lane that is not over; `None` if the lane is over.
    pub fn current<'a>(&self, plan: &'a Program, steps: &Steps, lane: LaneNumber) -> Option<&'a StepSpec> {
        self.lane(plan, lane).iter().find(|s| steps.get(&s.id).is_some_and(|x| !x.is_over()))
    }

    /// Updates the track after a change of this step.
    pub fn look_again(&mut self, plan: &Program, steps: &Steps, id: &StepId) {
        if let Some((lane, _)) = self.index.steps.get(id).copied() {
            self.look_at(plan, steps, lane);
        }
    }

    pub fn look_at_all(&mut self, plan: &Program, steps: &Steps) {
        (0..self.index.lanes.len()).for_each(|lane| self.look_at(plan, steps, lane as LaneNumber));
    }

    fn look_at(&mut self, plan: &Program, steps: &Steps, lane: LaneNumber) {
        let (mut begun, mut away, mut fresh, mut over) = (false, false, true, 0);
        let mut touched = false;
        let all = self.lane(plan, lane).len();
        // Where lanes are chosen, one whose node was only seen to be there waits for its choice.
        let chosen = admission::is_chosen(plan, self.index.lanes[lane as usize].0);
        for (i, spec) in self.lane(plan, lane).iter().enumerate() {
            let Some(step) = steps.get(&spec.id) else { continue };
            let passed = matches!(step.status, StepStatus::Waiting { .. }) && spec.kind.step().yields();
            away |= passed;
            fresh &= !step.ever_acted;
            touched |= step.attempts > 0 || step.retried;
            let seen = chosen && step.is_done() && !step.ever_acted && spec.kind.step().yields();
            begun |= step.status != StepStatus::Pending && !passed && !seen;
            over += u16::from(step.is_over());
            put(&mut self.open, (lane, i), step.is_open());
            put(&mut self.failed, (lane, i), matches!(step.status, StepStatus::Failed { .. }));
        }
        // A lane that has changed its node keeps its place, whatever it waits for.
        (begun, away) = (begun || (away && !fresh), away && fresh && !begun);
        let phase = &mut self.phases[self.index.lanes[lane as usize].0];
        let ended = usize::from(over) == all;
        put(&mut phase.begun, lane, begun && !ended);
        put(&mut phase.waiting, lane, !begun && !away && !ended);
        put(&mut phase.away, lane, away && !ended);
        put(&mut phase.touched, lane, touched && !ended);
        let before = std::mem::replace(&mut self.over_in[lane as usize], over);
        self.over = self.over + usize::from(over) - usize::from(before);
    }
}

fn put<T: Ord + Copy>(set: &mut RedBlackTreeSetSync<T>, item: T, there: bool) {
    match (there, set.contains(&item)) {
        (true, false) => set.insert_mut(item),
        (false, true) => drop(set.remove_mut(&item)),
        _ => {}
    }
}
