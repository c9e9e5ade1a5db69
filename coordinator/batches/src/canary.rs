//! The canaries of the groups: the first nodes of a group begin alone, and its others when these are finished and have been for a while. Also
//! the groups of which too many nodes have failed.

use crate::Group;
use crate::board::{Board, Moment};
use crate::field::{Field, Node};
use crate::held::{Held, later};
use crate::pick::fitting;
use crate::room::Room;
use crate::topology;
use crate::units::Unit;
use jiff::Timestamp;

/// What the first nodes of a group, and those that have failed, mean for its nodes to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Canary {
    /// The group has none, or it is over.
    Over,
    /// So many nodes of the group may be at work.
    Running(usize),
    /// Enough nodes are finished, and the others wait until that time.
    Soaks(Timestamp),
    /// Too few nodes are finished, and one has failed.
    Failed,
    /// As many nodes have failed as the group allows.
    Spent,
}

impl Canary {
    pub fn of<'n>(group: &Group, nodes: impl Iterator<Item = &'n Node<'n>> + Clone, now: Timestamp) -> Self {
        let failed = nodes.clone().filter(|node| node.failed).count();
        let spent = group.max_failed.is_some_and(|most| failed >= most as usize);
        match Self::first(group, nodes, failed > 0, now) {
            Self::Failed => Self::Failed,
            _ if spent => Self::Spent,
            first => first,
        }
    }

    fn first<'n>(
        group: &Group,
        nodes: impl Iterator<Item = &'n Node<'n>>,
        failed: bool,
        now: Timestamp,
    ) -> Self {
        let Some(last) = group.canary.checked_sub(1) else { return Self::Over };
        let mut finished: Vec<Timestamp> = nodes.filter_map(|node| node.finished).collect();
        finished.sort_unstable();
        match finished.get(last as usize) {
            Some(end) => {
                let until = later(*end, group.canary_soak_seconds);
                if now < until { Self::Soaks(until) } else { Self::Over }
            }
            None if failed => Self::Failed,
            None => Self::Running(group.canary as usize - finished.len()),
        }
    }
}

/// The canary of each group of the policy at that time.
pub(crate) fn canaries(groups: &[Group], field: &Field, now: Timestamp) -> Vec<Canary> {
    let of = |(at, group): (usize, &Group)| {
        Canary::of(group, field.nodes.iter().filter(move |node| node.group == Some(at)), now)
    };
    groups.iter().enumerate().map(of).collect()
}

/// How many nodes of the group may be at work: as many as its canary still needs. Where each unit is larger, one of the smallest goes.
pub(crate) fn lanes(board: &Board, group: usize, free: &[usize]) -> Option<usize> {
    let Canary::Running(lanes) = board.canaries[group] else { return None };
    let least = free.iter().filter_map(|unit| least(board, &board.units[*unit], group)).min();
    Some(lanes.max(least.unwrap_or(0)))
}

/// The smallest number of nodes of the group that go together in this unit; `None` if it has no node of the group.
fn least(board: &Board, unit: &Unit, group: usize) -> Option<usize> {
    let size = |nodes: &[usize]| {
        let mine = nodes.iter().filter(|at| board.field.nodes[**at].group == Some(group)).count();
        (mine > 0).then_some(mine)
    };
    if unit.whole {
        return size(&unit.nodes);
    }
    let gangs = unit.tasks.iter().map(|at| &board.field.tasks[*at]).filter(|task| task.joins());
    let part = |task: &crate::field::Task| match board.room.holds_ever(&board.field, &task.nodes) {
        true => size(&task.nodes),
        false => size(&task.nodes).map(|_| 1),
    };
    gangs.filter_map(part).min().or_else(|| size(&unit.nodes).map(|_| 1))
}

/// The groups whose canaries alone keep a unit back now, ascending.
pub(crate) fn waits(board: &Board, moment: Moment) -> Vec<usize> {
    let held = |unit: &usize| board.held(&board.units[*unit], moment);
    let may = |unit: &usize| matches!(held(unit), None | Some(Held::Soaks(..)));
    let units: Vec<usize> = (0..board.units.len()).filter(may).collect();
    let room = board.room.without_canaries();
    let fits = |unit: &usize, room: &Room| !fitting(board, room, &board.units[*unit]).is_empty();
    // What fits with the canaries' limits, too, has another domain's turn to wait for.
    let kept = |unit: &usize| fits(unit, &room) && (held(unit).is_some() || !fits(unit, &board.room));
    let open = topology::of_turn(board, units, moment.seconds).into_iter().filter(kept);
    let mut groups: Vec<usize> = open.flat_map(|unit| running(board, unit)).collect();
    groups.sort_unstable();
    groups.dedup();
    groups
}

/// When the first soak of these groups ends; `None` if they wait for lanes.
pub(crate) fn until(board: &Board, groups: &[usize]) -> Option<Timestamp> {
    let until = |group: &usize| match board.canaries[*group] {
        Canary::Soaks(until) => Some(until),
        _ => None,
    };
    groups.iter().filter_map(until).min()
}

fn running<'b>(board: &'b Board, unit: usize) -> impl Iterator<Item = usize> + 'b {
    let groups = board.units[unit].nodes.iter().filter_map(|at| board.field.nodes[*at].group);
    groups.filter(|group| matches!(board.canaries[*group], Canary::Running(_) | Canary::Soaks(_)))
}

impl Board<'_> {
    /// Why the canaries of its groups keep the unit back; `None` if they do not.
    pub fn kept_back(&self, unit: &Unit) -> Option<Held> {
        let groups = unit.nodes.iter().filter_map(|at| self.field.nodes[*at].group);
        let kept = groups.filter_map(|group| match self.canaries[group] {
            Canary::Failed => Some(Held::Canary(group)),
            Canary::Spent => Some(Held::Failed(group)),
            Canary::Soaks(until) => Some(Held::Soaks(group, until)),
            Canary::Over | Canary::Running(_) => None,
        });
        kept.min_by_key(|held| match held {
            Held::Soaks(_, until) => Some(std::cmp::Reverse(*until)),
            _ => None,
        })
    }
}
