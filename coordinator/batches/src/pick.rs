//! Which of the units begin now.

use crate::board::Board;
use crate::chunk::chunk;
use crate::order::{Key, Rank};
use crate::room::{Place, Room};
use crate::units::Unit;
use std::collections::BTreeMap;

/// Nodes of one unit that begin now.
pub(crate) struct Pick {
    pub unit: usize,
    pub nodes: Vec<usize>,
}

/// As many of the units as fit now, in their order. A unit for which there is no room at present lets others go first, except for smaller
/// ones of its own rank: these would take each node that becomes free, and the largest gangs would come last, one after the other.
pub(crate) fn pick(board: &Board, units: &[usize], growth: Option<usize>, seconds: u64) -> Vec<Pick> {
    let (room, empty) = (board.room.clone(), board.room.without_lanes());
    let mut begun = Begun { board, seconds, room, empty, picks: vec![], waiting: Waiting::default() };
    let most = growth.unwrap_or(usize::MAX);
    let mut size = 0;
    for unit in units {
        if begun.room.is_full() {
            break;
        }
        size += begun.begin(*unit, most - size);
    }
    let passes = growth.is_some() || board.room.passing().is_some() || board.room.has_canaries();
    let alone = begun.picks.is_empty() && passes && board.room.may_work() && board.room.at_work() == 0;
    if alone { smallest(board, units) } else { begun.picks }
}

/// The smallest unit, if none is as small as a growing batch or a limit that passes.
fn smallest(board: &Board, units: &[usize]) -> Vec<Pick> {
    let room = board.room.lasting();
    let fitting = |unit: &usize| Pick { unit: *unit, nodes: fitting(board, &room, &board.units[*unit]) };
    let picks = units.iter().map(fitting).filter(|pick| !pick.nodes.is_empty());
    picks.min_by_key(|pick| pick.nodes.len()).into_iter().collect()
}

/// The nodes of the unit that may begin now: all, a part of a unit that never fits as a whole, or none.
pub(crate) fn fitting(board: &Board, room: &Room, unit: &Unit) -> Vec<usize> {
    match unit.whole {
        true if room.holds(&board.field, &unit.nodes) => unit.nodes.clone(),
        true => vec![],
        false => chunk(&board.scene, &board.field, room, unit),
    }
}

struct Begun<'b, 'a> {
    board: &'b Board<'a>,
    seconds: u64,
    room: Room,
    /// The room when every lane at work is over.
    empty: Room,
    picks: Vec<Pick>,
    waiting: Waiting,
}

impl Begun<'_, '_> {
    /// How many nodes of the unit begin: at most so many.
    fn begin(&mut self, at: usize, most: usize) -> usize {
        let unit = &self.board.units[at];
        let nodes = fitting(self.board, &self.room, unit);
        if nodes.is_empty() {
            self.wait(unit);
            return 0;
        }
        if nodes.len() > most || self.waiting.stops(self, unit) {
            return 0;
        }
        nodes.iter().for_each(|node| self.room.begin(&self.board.field.nodes[*node]));
        let size = nodes.len();
        self.picks.push(Pick { unit: at, nodes });
        size
    }

    /// A unit waits for lanes to end if it fits as soon as none is at work.
    fn wait(&mut self, unit: &Unit) {
        let field = &self.board.field;
        if unit.whole && self.empty.holds(field, &unit.nodes) {
            let key = self.key(unit);
            self.waiting.add(&key, self.room.lacks(field, &unit.nodes));
        }
    }

    fn key(&self, unit: &Unit) -> Key {
        Key::of(&self.board.field, unit, self.seconds)
    }
}

/// The parts of the room that units of one rank wait for, each with the size of the largest of them.
#[derive(Default)]
struct Waiting {
    rank: Option<Rank>,
    lacks: BTreeMap<Place, usize>,
}

impl Waiting {
    fn add(&mut self, key: &Key, lacks: Vec<Place>) {
        if self.rank != Some(key.rank()) {
            *self = Self { rank: Some(key.rank()), lacks: BTreeMap::new() };
        }
        for place in lacks {
            let size = self.lacks.entry(place).or_default();
            *size = key.size().max(*size);
        }
    }

    /// Whether the unit would take room for which a larger one of its rank waits.
    fn stops(&self, begun: &Begun, unit: &Unit) -> bool {
        let Some(rank) = self.rank else { return false };
        let key = begun.key(unit);
        let waits = |place: Place| self.lacks.get(&place).is_some_and(|size| *size > key.size());
        let mut places = unit.nodes.iter().flat_map(|at| begun.room.places(&begun.board.field.nodes[*at]));
        rank == key.rank() && places.any(waits)
    }
}
