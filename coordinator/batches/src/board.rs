//! The board on which decisions are made: the units of the nodes to come, and the room for them.

use crate::canary::{self, Canary, canaries};
use crate::field::Field;
use crate::held::{Held, held, later};
use crate::order::Key;
use crate::pick::{Pick, pick};
use crate::room::Room;
use crate::units::{Unit, units};
use crate::windows::{Calendars, Opening};
use crate::{Scene, topology};
use jiff::Timestamp;
use std::collections::BTreeMap;

pub(crate) struct Board<'a> {
    pub scene: Scene<'a>,
    pub field: Field<'a>,
    pub room: Room,
    pub units: Vec<Unit>,
    /// Of each group of the policy, at the time of the last decision.
    pub canaries: Vec<Canary>,
    calendars: Calendars,
    /// Of the calendars of each unit, at the time of the last decision.
    pub openings: BTreeMap<Vec<usize>, Opening>,
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
    /// The windows of every unit are closed.
    Closed,
    /// Units may be taken, but nodes that are down take all the room.
    Full,
    /// Canaries of these groups alone keep units back.
    Canaries(Vec<usize>),
    /// Each unit is held.
    Held,
    /// Nothing is to come, or lanes of this run take the room.
    Nothing,
}

impl<'a> Board<'a> {
    pub fn of(scene: &Scene<'a>) -> Self {
        let field = Field::of(scene);
        let room = Room::of(scene, &field);
        let units = units(&field, &room, &field.to_come(), scene.now);
        let canaries = canaries(&scene.policy.groups, &field, scene.now);
        let calendars = Calendars::of(scene.policy);
        Self { scene: *scene, field, room, units, canaries, calendars, openings: BTreeMap::new() }
    }

    pub fn time(&self, moment: Moment) -> Timestamp {
        later(self.scene.now, moment.seconds)
    }

    pub fn held(&self, unit: &Unit, moment: Moment) -> Option<Held> {
        let by_jobs = || held(&self.scene, &self.field, unit, self.time(moment));
        self.kept_back(unit).or_else(|| self.closed(unit)).or_else(by_jobs)
    }

    /// Whether windows keep the unit back; `None` if each window that its nodes need is open.
    fn closed(&self, unit: &Unit) -> Option<Held> {
        match self.openings.get(&unit.calendars)? {
            Opening::Open => None,
            Opening::Apart => Some(Held::Apart),
            // The windows of one of its groups never open long enough again, and a gang can't go in parts.
            Opening::Never | Opening::TooShort if unit.calendars.len() > 1 => Some(Held::Apart),
            opening => Some(Held::Closed(*opening)),
        }
    }

    /// When the first unit that waits for a window may begin; `None` if none waits, or if no such window opens again.
    pub fn opens(&self) -> Option<Timestamp> {
        self.units.iter().filter_map(|unit| self.closed(unit)?.until()).min()
    }

    /// When the first unit that is held goes on by itself. A job that must not be interrupted is not waited for: that its time is over lets
    /// no unit go on.
    pub fn until(&self, moment: Moment) -> Option<Timestamp> {
        let held = |unit| self.held(unit, moment).filter(|held| !matches!(held, Held::Never(_)));
        let goes_on = self.units.iter().filter_map(|unit| held(unit)?.until());
        goes_on.filter(|until| *until > self.time(moment)).min()
    }

    fn open(&mut self, moment: Moment) {
        let (time, seconds) = (self.time(moment), self.scene.lane_seconds);
        self.openings.clear();
        for unit in &self.units {
            if !self.openings.contains_key(&unit.calendars) {
                let opening = self.calendars.at(&unit.calendars, time, seconds);
                self.openings.insert(unit.calendars.clone(), opening);
            }
        }
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
        self.open(moment);
        if self.units.iter().all(|unit| matches!(self.closed(unit), Some(Held::Closed(_)))) {
            return Next::Closed;
        }
        self.canaries = canaries(&self.scene.policy.groups, &self.field, self.time(moment));
        let field = &self.field;
        self.units.sort_by_cached_key(|unit| Key::of(field, unit, moment.seconds));
        let free: Vec<usize> =
            (0..self.units.len()).filter(|at| self.held(&self.units[*at], moment).is_none()).collect();
        let any = !free.is_empty();
        self.limit_canaries(&free);
        let picks = pick(self, &topology::of_turn(self, free, moment.seconds), growth, moment.seconds);
        if !picks.is_empty() {
            return Next::Take(picks);
        }
        let groups = canary::waits(self, moment);
        match () {
            () if !groups.is_empty() => Next::Canaries(groups),
            () if self.room.at_work() > 0 => Next::Nothing,
            () if any => Next::Full,
            () => Next::Held,
        }
    }

    fn limit_canaries(&mut self, free: &[usize]) {
        for group in 0..self.canaries.len() {
            let lanes = canary::lanes(self, group, free);
            self.room.limit_canary(group, lanes);
        }
    }
}
