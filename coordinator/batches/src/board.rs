//! The board on which decisions are made: the units of the nodes to come, and the room for them.

use crate::chunk::chunk;
use crate::field::Field;
use crate::held::{Held, held, later};
use crate::order::Key;
use crate::room::Room;
use crate::units::{Unit, units};
use crate::windows::{Calendar, Opening};
use crate::{Scene, topology};
use jiff::Timestamp;

pub(crate) struct Board<'a> {
    pub scene: Scene<'a>,
    pub field: Field<'a>,
    pub room: Room,
    pub units: Vec<Unit>,
    calendar: Calendar,
}

/// When a decision is made.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Moment {
    /// After the time of the scene.
    pub seconds: u64,
    /// Batches of which every lane is over.
    pub batches: u32,
}

pub(crate) enum Next {
    Take(Vec<Pick>),
    /// The window is closed, until then if it opens again.
    Closed(Opening),
    /// Units may be taken, but nodes that are down take all the room.
    Full,
    /// Each unit is held.
    Held,
    /// Nothing is to come, or lanes of this run take the room.
    Nothing,
}

/// Nodes of one unit that begin now.
pub(crate) struct Pick {
    pub unit: usize,
    pub nodes: Vec<usize>,
}

impl<'a> Board<'a> {
    pub fn of(scene: &Scene<'a>) -> Self {
        let field = Field::of(scene);
        let room = Room::of(scene, &field);
        let units = units(&field, &room, &field.to_come(), scene.now);
        Self { scene: *scene, field, room, units, calendar: Calendar::of(scene.policy) }
    }

    pub fn time(&self, moment: Moment) -> Timestamp {
        later(self.scene.now, moment.seconds)
    }

    pub fn held(&self, unit: &Unit, moment: Moment) -> Option<Held> {
        held(&self.scene, &self.field, unit, self.time(moment))
    }

    /// How many nodes a batch may have while batches grow; `None` if they do not.
    pub fn growth(&self, moment: Moment) -> Option<usize> {
        let size = 1_usize.checked_shl(moment.batches).unwrap_or(usize::MAX);
        (self.scene.policy.grow && size < self.room.limit()).then_some(size)
    }

    /// What is next. It brings the units into their order.
    pub fn next(&mut self, moment: Moment) -> Next {
        let growth = self.growth(moment);
        if self.units.is_empty() || (growth.is_some() && self.room.at_work() > 0) {
            return Next::Nothing;
        }
        match self.calendar.at(self.time(moment), self.scene.lane_seconds) {
            Opening::Open => {}
            closed => return Next::Closed(closed),
        }
        let (policy, field) = (self.scene.policy, &self.field);
        self.units.sort_by_cached_key(|unit| Key::of(policy, field, unit, moment.seconds));
        let free: Vec<usize> =
            (0..self.units.len()).filter(|at| self.held(&self.units[*at], moment).is_none()).collect();
        let any = !free.is_empty();
        let picks = self.pick(&topology::of_turn(self, free, moment.seconds), growth);
        match picks.is_empty() {
            false => Next::Take(picks),
            true if self.room.at_work() > 0 => Next::Nothing,
            true if any => Next::Full,
            true => Next::Held,
        }
    }

    /// As many of the units as fit now, in their order. A unit for which there is no room at present lets others go first.
    fn pick(&self, free: &[usize], growth: Option<usize>) -> Vec<Pick> {
        let most = growth.unwrap_or(usize::MAX);
        let mut room = self.room.clone();
        let mut picks: Vec<Pick> = vec![];
        let mut size = 0;
        for unit in free {
            if room.is_full() {
                break;
            }
            let nodes = self.fitting(&room, &self.units[*unit]);
            if nodes.is_empty() || size + nodes.len() > most {
                continue;
            }
            size += nodes.len();
            nodes.iter().for_each(|at| room.begin(&self.field.nodes[*at]));
            picks.push(Pick { unit: *unit, nodes });
        }
        let small = growth.is_some() || self.room.passing().is_some_and(|lanes| lanes > 0);
        let alone = picks.is_empty() && small && self.room.at_work() == 0;
        if alone { self.smallest(free) } else { picks }
    }

    /// The smallest unit, if none is as small as a growing batch or the limit that passes.
    fn smallest(&self, free: &[usize]) -> Vec<Pick> {
        let room = self.room.lasting();
        let fitting = |unit: &usize| Pick { unit: *unit, nodes: self.fitting(&room, &self.units[*unit]) };
        let picks = free.iter().map(fitting).filter(|pick| !pick.nodes.is_empty());
        picks.min_by_key(|pick| pick.nodes.len()).into_iter().collect()
    }

    /// The nodes of the unit that may begin now: all, a part of a unit that never fits as a whole, or none.
    fn fitting(&self, room: &Room, unit: &Unit) -> Vec<usize> {
        match unit.whole {
            true if room.holds(&self.field, &unit.nodes) => unit.nodes.clone(),
            true => vec![],
            false => chunk(&self.scene, &self.field, room, unit),
        }
    }
}
