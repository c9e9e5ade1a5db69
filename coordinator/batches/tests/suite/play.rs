//! A tiny player: it carries out what the scheduler decides, lets lanes and jobs end, and moves interrupted jobs.

use crate::check::{check, fits, units};
use crate::fleet::Fleet;
use jiff::SignedDuration;
use podlift_batches::{Batch, Decision, Stage};
use podlift_model::NodeName;
use std::collections::BTreeMap;

pub struct Played {
    pub batches: Vec<Vec<NodeName>>,
    pub left: Vec<NodeName>,
    /// How often the pods of one start of a gang were evicted by different batches, where its unit fitted.
    pub torn: u32,
}

/// A small generator of numbers: SplitMix64.
#[derive(Clone)]
pub struct Chance(pub u64);

impl Chance {
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % limit
    }
}

struct Player {
    fleet: Fleet,
    chance: Chance,
    /// The seconds that are left of each lane, and its batch.
    lanes: BTreeMap<NodeName, (u64, usize)>,
    played: Played,
}

/// Plays until every node is taken or named. Panics if a rule is broken or if the play does not end.
pub fn play(fleet: Fleet, seed: u64) -> Played {
    let turns = 40 * (fleet.workers.len() + fleet.jobs.len() + 5);
    let played = Played { batches: vec![], left: vec![], torn: 0 };
    let mut player = Player { fleet, chance: Chance(seed), lanes: BTreeMap::new(), played };
    player.lanes = player.stage(Stage::AtWork).into_iter().map(|node| (node, (900, usize::MAX))).collect();
    for _ in 0..turns {
        if !player.turn() {
            assert_eq!(player.stage(Stage::ToCome), []);
            return player.played;
        }
    }
    panic!("no end after {turns} turns: {:?}", player.fleet.decide());
}

impl Player {
    fn stage(&self, stage: Stage) -> Vec<NodeName> {
        self.fleet.workers.iter().filter(|w| w.stage == stage).map(|w| w.node.clone()).collect()
    }

    /// `false` if nothing is left to do.
    fn turn(&mut self) -> bool {
        match self.decide() {
            Decision::Take(batch) => self.take(&batch),
            Decision::Leave { nodes, why } => {
                assert!(!why.is_empty() && !nodes.is_empty());
                nodes.iter().for_each(|node| self.fleet.worker(node.as_str()).stage = Stage::Out);
                self.played.left.extend(nodes);
            }
            Decision::Nothing | Decision::Wait { .. } if !self.lanes.is_empty() => self.end_lanes(),
            Decision::Nothing => return false,
            Decision::Ask { jobs, .. } => {
                assert!(!jobs.is_empty() && self.fleet.agreed.is_disjoint(&jobs.iter().cloned().collect()));
                self.fleet.agreed.extend(jobs);
            }
            Decision::Wait { until: Some(until), .. } => {
                assert!(until > self.fleet.now, "a time to wait for is in the future");
                self.fleet.now = until;
            }
            Decision::Wait { why, until: None } => self.help(&why),
        }
        true
    }

    /// The same decision comes from the same inputs in another order.
    fn decide(&mut self) -> Decision {
        let decision = self.fleet.decide();
        let mut other = self.fleet.clone();
        other.workers.reverse();
        let half = other.jobs.len() / 2;
        other.jobs.rotate_left(half);
        assert_eq!(decision, other.decide());
        decision
    }

    fn take(&mut self, batch: &Batch) {
        check(&self.fleet, batch);
        let fitting: Vec<_> = units(&self.fleet).into_iter().filter(|unit| fits(&self.fleet, unit)).collect();
        for node in &batch.nodes {
            let seconds = 600 + self.chance.below(1800);
            self.lanes.insert(node.clone(), (seconds, self.played.batches.len()));
            self.fleet.worker(node.as_str()).stage = Stage::AtWork;
        }
        self.evict(batch);
        let torn = |unit: &&std::collections::BTreeSet<NodeName>| {
            unit.iter().any(|node| batch.nodes.contains(node))
                && unit.iter().any(|node| !batch.nodes.contains(node))
        };
        self.played.torn += fitting.iter().filter(torn).count() as u32;
        self.played.batches.push(batch.nodes.clone());
    }

    /// Interrupted gangs go as a whole, other jobs lose the pods on these nodes. Some begin again on nodes that are up.
    fn evict(&mut self, batch: &Batch) {
        let up: Vec<NodeName> =
            [self.stage(Stage::Over), self.stage(Stage::ToCome)].concat().into_iter().collect();
        for job in &mut self.fleet.jobs {
            if !job.nodes.keys().any(|node| batch.nodes.contains(node)) {
                continue;
            }
            let counts = job.gpus > 0 || job.gang;
            assert!(job.never.is_none(), "{} was interrupted", job.id);
            if counts && batch.interrupts.contains(&job.id) {
                self.fleet.interrupted.insert(job.id.clone(), self.fleet.now);
            }
            assert!(!counts || self.fleet.interrupted.contains_key(&job.id), "{} is not named", job.id);
            let nodes = job.nodes.len();
            job.nodes.retain(|node, _| !batch.nodes.contains(node));
            // The rest of a large gang hangs for a while, or all of it begins again elsewhere.
            if job.gang && !up.is_empty() && self.chance.below(3) > 0 {
                let start = self.chance.below(up.len() as u64) as usize;
                let new = (0..nodes).map(|n| (up[(start + n) % up.len()].clone(), 1));
                job.nodes = new.collect();
                job.since = Some(self.fleet.now + SignedDuration::from_secs(1));
            }
        }
    }

    /// The next lanes end, and perhaps a job.
    fn end_lanes(&mut self) {
        let Some(next) = self.lanes.values().map(|(seconds, _)| *seconds).min() else { return };
        self.fleet.now += SignedDuration::from_secs(next as i64);
        for (node, (left, _)) in &mut self.lanes {
            *left -= next;
            if *left == 0 {
                let worker = self.fleet.workers.iter_mut().find(|w| w.node == *node).unwrap();
                (worker.stage, worker.unavailable) = (Stage::Over, false);
                // Some lanes fail, and the play goes on without their nodes.
                worker.failed = self.chance.below(16) == 0;
                match worker.failed {
                    true => worker.stage = Stage::Out,
                    false => worker.finished = Some(self.fleet.now),
                }
            }
        }
        self.lanes.retain(|_, (left, _)| *left > 0);
        if self.lanes.is_empty() {
            self.fleet.batches_done += 1;
        }
        if !self.fleet.jobs.is_empty() && self.chance.below(4) == 0 {
            let at = self.chance.below(self.fleet.jobs.len() as u64) as usize;
            self.fleet.jobs.remove(at);
        }
    }

    /// Removes the reason that a wait without a time names: a node that is down.
    fn help(&mut self, why: &str) {
        let down = self.fleet.workers.iter_mut().find(|w| w.unavailable && why.contains(w.node.as_str()));
        if let Some(worker) = down {
            worker.unavailable = false;
            return;
        }
        panic!("a wait names nothing that could end it: {why}");
    }
}
