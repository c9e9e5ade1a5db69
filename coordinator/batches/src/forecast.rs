//! What would happen if every lane took its expected length and the jobs stayed as they are, except that interrupted ones move away.

use crate::board::{Board, Moment, Next};
use crate::decide::batch;
use crate::pick::Pick;
use crate::units::units;
use crate::{Forecast, Planned, Scene, Stage, texts};
use jiff::Timestamp;
use std::collections::VecDeque;

/// After so many times to wait for at which nothing begins, nothing will: windows that repeat have all been open by then.
const WAITS: u32 = 200;

/// Plays the scheduler until every node is taken or named.
pub fn forecast(scene: &Scene) -> Forecast {
    let mut play = Play::of(scene);
    while play.turn() {}
    play.seen
}

struct Play<'a> {
    board: Board<'a>,
    moment: Moment,
    /// The lanes at work, those that end first in front: the time of their end, and their nodes.
    lanes: VecDeque<(u64, Vec<usize>)>,
    /// How often nothing has begun at a time that was waited for.
    waits: u32,
    seen: Forecast,
}

impl<'a> Play<'a> {
    /// Lanes that are at work already are taken to begin now.
    fn of(scene: &Scene<'a>) -> Self {
        let board = Board::of(scene);
        let nodes = &board.field.nodes;
        let working: Vec<usize> = (0..nodes.len()).filter(|at| nodes[*at].stage == Stage::AtWork).collect();
        let mut play = Self {
            board,
            moment: Moment { seconds: 0, batches: scene.batches_done },
            lanes: VecDeque::new(),
            waits: 0,
            seen: Forecast::default(),
        };
        if !working.is_empty() {
            play.begin(working);
        }
        play
    }

    fn begin(&mut self, nodes: Vec<usize>) {
        let end = self.moment.seconds.saturating_add(self.board.scene.lane_seconds);
        self.seen.ends_in_seconds = self.seen.ends_in_seconds.max(end);
        self.lanes.push_back((end, nodes));
        self.waits = 0;
    }

    /// `false` if nothing more happens.
    fn turn(&mut self) -> bool {
        let next = self.board.next(self.moment);
        if let Next::Take(picks) = next {
            self.take(&picks);
            return true;
        }
        if self.advance() {
            return true;
        }
        let board = &self.board;
        let why = match next {
            Next::Closed => texts::all_closed(board),
            Next::Full => texts::full(board, self.moment),
            Next::Canaries(groups) => texts::canaries(board, &groups),
            Next::Held => {
                self.name_held();
                return false;
            }
            Next::Take(_) | Next::Nothing => return false,
        };
        self.name_all(|_| why.clone());
        false
    }

    /// Lets time pass until lanes end, or until nodes that wait for a time go on. `false` if neither comes.
    fn advance(&mut self) -> bool {
        let until = [self.board.opens(), self.board.until(self.moment)].into_iter().flatten().min();
        let comes = |until: &u64| *until > self.moment.seconds && self.waits < WAITS;
        let until = until.map(|until| self.seconds(until)).filter(comes);
        match (self.lanes.front().map(|(end, _)| *end), until) {
            (Some(end), until) if until.is_none_or(|until| end <= until) => self.end_lanes(),
            (_, Some(until)) => {
                self.moment.seconds = until;
                self.waits += 1;
            }
            _ => return false,
        }
        true
    }

    fn take(&mut self, picks: &[Pick]) {
        let batch = batch(&self.board, picks, self.moment);
        self.seen.batches.push(Planned { batch, starts_in_seconds: self.moment.seconds });
        let mut nodes = vec![];
        let mut rest = vec![];
        for pick in picks {
            let unit = &self.board.units[pick.unit];
            rest.extend(unit.nodes.iter().filter(|at| !pick.nodes.contains(at)));
            let tasks = unit.tasks.clone();
            for at in &pick.nodes {
                let node = &mut self.board.field.nodes[*at];
                self.board.room.begin(node);
                // A node that was down is up again when its lane is over.
                (node.stage, node.down) = (Stage::AtWork, false);
                nodes.push(*at);
            }
            self.interrupt(&tasks, &pick.nodes);
        }
        let taken: Vec<usize> = picks.iter().map(|pick| pick.unit).collect();
        self.drop_units(&taken);
        self.join_rest(rest);
        self.begin(nodes);
    }

    /// A gang with a node among these is somewhere else from now on. An elastic one goes on, and has its pods back when the lanes are over.
    fn interrupt(&mut self, tasks: &[usize], nodes: &[usize]) {
        for at in tasks {
            let task = &mut self.board.field.tasks[*at];
            if task.job.gang && task.elastic.is_none() && task.nodes.iter().any(|node| nodes.contains(node)) {
                task.gone = true;
            }
        }
    }

    fn drop_units(&mut self, gone: &[usize]) {
        let mut at = 0;
        self.board.units.retain(|_| {
            at += 1;
            !gone.contains(&(at - 1))
        });
    }

    /// The nodes of split units that are still to come make units of their own.
    fn join_rest(&mut self, mut nodes: Vec<usize>) {
        nodes.sort_unstable();
        let board = &mut self.board;
        let new = units(&board.field, &board.room, &nodes, board.scene.now);
        board.units.extend(new);
    }

    fn end_lanes(&mut self) {
        let Some(end) = self.lanes.front().map(|(end, _)| *end) else { return };
        self.moment.seconds = self.moment.seconds.max(end);
        let over = self.lanes.iter().take_while(|lane| lane.0 == end).count();
        for (_, nodes) in self.lanes.drain(..over) {
            self.moment.batches = self.moment.batches.saturating_add(1);
            for at in nodes {
                let finished = Some(self.board.time(self.moment));
                let node = &mut self.board.field.nodes[at];
                (node.stage, node.finished) = (Stage::Over, finished);
                self.board.room.end(&self.board.field.nodes[at]);
            }
        }
    }

    /// Seconds from the time of the scene. A part of a second is rounded up, so that the time has come when it is looked at.
    fn seconds(&self, time: Timestamp) -> u64 {
        let time = time.duration_since(self.board.scene.now);
        time.as_secs().max(0).unsigned_abs() + u64::from(time.subsec_nanos() > 0)
    }

    /// Each unit is held, and none goes on by itself.
    fn name_held(&mut self) {
        let board = &self.board;
        let reason = |unit| board.held(unit, self.moment).map(|held| texts::held(board, unit, &held));
        let why: Vec<String> = board.units.iter().filter_map(reason).collect();
        self.name_all(|unit| why[unit].clone());
    }

    /// Names the nodes of every unit that is left.
    fn name_all(&mut self, why: impl Fn(usize) -> String) {
        for (at, unit) in self.board.units.iter().enumerate() {
            for node in &unit.nodes {
                self.seen.not_taken.insert(self.board.field.nodes[*node].name.clone(), why(at));
            }
        }
        self.board.units.clear();
    }
}
