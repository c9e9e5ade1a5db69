//! What would happen if every lane took its expected length and the jobs stayed as they are, except that interrupted ones move away.

use crate::board::{Board, Moment, Next};
use crate::canary;
use crate::decide::batch;
use crate::held::Held;
use crate::pick::Pick;
use crate::units::units;
use crate::windows::Opening;
use crate::{Forecast, Planned, Scene, Stage, texts};
use jiff::Timestamp;
use std::collections::VecDeque;

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
    }

    /// `false` if nothing more happens.
    fn turn(&mut self) -> bool {
        match self.board.next(self.moment) {
            Next::Take(picks) => self.take(&picks),
            Next::Canaries(groups) => return self.soak(&groups),
            _ if !self.lanes.is_empty() => self.end_lanes(),
            Next::Closed(Opening::From(start)) => return self.wait(start),
            Next::Closed(opening) => {
                let why = texts::closed(&self.board, opening);
                self.name_all(|_| why.clone());
                return false;
            }
            Next::Full => {
                let why = texts::full(&self.board, self.moment);
                self.name_all(|_| why.clone());
                return false;
            }
            Next::Held => return self.held(),
            Next::Nothing => return false,
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

    /// A gang with a node among these is somewhere else from now on.
    fn interrupt(&mut self, tasks: &[usize], nodes: &[usize]) {
        for at in tasks {
            let task = &mut self.board.field.tasks[*at];
            if task.job.gang && task.nodes.iter().any(|node| nodes.contains(node)) {
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

    /// The end of a soak or of a lane is next, whichever is first. `false` if neither comes.
    fn soak(&mut self, groups: &[usize]) -> bool {
        let end = self.lanes.front().map(|(end, _)| self.board.time(Moment { seconds: *end, ..self.moment }));
        match canary::until(&self.board, groups) {
            Some(until) if end.is_none_or(|end| until < end) => self.wait(until),
            _ if end.is_some() => {
                self.end_lanes();
                true
            }
            _ => {
                let why = texts::canaries(&self.board, groups);
                self.name_all(|_| why.clone());
                false
            }
        }
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

    /// `false` if that time is not in the future.
    fn wait(&mut self, until: Timestamp) -> bool {
        let time = until.duration_since(self.board.scene.now);
        // A part of a second is rounded up, so that the time has come when it is looked at.
        let part = u64::from(time.subsec_nanos() > 0);
        let seconds = time.as_secs().max(0).unsigned_abs() + part;
        let later = seconds > self.moment.seconds;
        self.moment.seconds = self.moment.seconds.max(seconds);
        later
    }

    /// Each unit is held. Those that wait for a time go on at that time; the others are named.
    fn held(&mut self) -> bool {
        let held = |unit| self.board.held(unit, self.moment);
        let until = self.board.units.iter().filter_map(|unit| match held(unit) {
            Some(Held::Until(until) | Held::Soaks(_, until)) => Some(until),
            _ => None,
        });
        if let Some(until) = until.min() {
            return self.wait(until);
        }
        let board = &self.board;
        let reason = |unit| board.held(unit, self.moment).map(|held| texts::held(board, unit, &held));
        let why: Vec<String> = board.units.iter().filter_map(reason).collect();
        self.name_all(|unit| why[unit].clone());
        false
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
