//! A tiny player: it carries out what the scheduler decides, lets lanes and jobs end, and moves interrupted jobs.

use crate::check::{check, divided};
use crate::fleet::Fleet;
use jiff::SignedDuration;
use podlift_batches::{Batch, Decision, Job, Stage, Worker, open_for_worker};
use podlift_model::NodeName;
use std::collections::{BTreeMap, BTreeSet};

pub struct Played {
    pub batches: Vec<Vec<NodeName>>,
    /// The nodes that were left out, with the reason.
    pub left: BTreeMap<NodeName, String>,
    /// Gangs that were divided although they fitted, and gangs that a batch interrupts although another one had done so before and they had
    /// not begun anew since.
    pub torn: Vec<String>,
    /// Each decision with what it was made from.
    pub journal: Vec<Entry>,
}

pub struct Entry {
    /// The fleet as JSON.
    pub fleet: String,
    pub decision: Decision,
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
    /// The gangs that a batch has interrupted and that have not begun anew since.
    interrupted: BTreeSet<String>,
}

/// Plays until every node is taken or named. Panics if a rule is broken or if the play does not end.
pub fn play(fleet: Fleet, seed: u64) -> Played {
    let turns = 40 * (fleet.workers.len() + fleet.jobs.len() + 5);
    let played = Played { batches: vec![], left: BTreeMap::new(), torn: vec![], journal: vec![] };
    let (lanes, interrupted) = (BTreeMap::new(), BTreeSet::new());
    let mut player = Player { fleet, chance: Chance(seed), lanes, played, interrupted };
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
                assert!(!nodes.is_empty());
                self.leave(nodes, &why);
            }
            Decision::Nothing | Decision::Wait { .. } if !self.lanes.is_empty() => self.end_lanes(),
            Decision::Nothing => return false,
            Decision::Ask { jobs, .. } => {
                assert!(!jobs.is_empty() && self.fleet.agreed.is_disjoint(&jobs.iter().cloned().collect()));
                self.fleet.agreed.extend(jobs);
            }
            Decision::Wait { why, .. } if why.contains("not available") => self.help(&why),
            Decision::Wait { until: Some(until), .. } => {
                assert!(until > self.fleet.now, "a time to wait for is in the future");
                self.fleet.now = until;
            }
            Decision::Wait { why, until: None } => self.help(&why),
        }
        true
    }

    fn decide(&mut self) -> Decision {
        let decision = self.fleet.decide();
        let fleet = serde_json::to_string(&self.fleet).unwrap();
        self.played.journal.push(Entry { fleet, decision: decision.clone() });
        decision
    }

    fn leave(&mut self, nodes: Vec<NodeName>, why: &str) {
        for node in nodes {
            self.fleet.worker(node.as_str()).stage = Stage::Out;
            self.played.left.insert(node, why.into());
        }
    }

    fn take(&mut self, batch: &Batch) {
        check(&self.fleet, batch);
        let divided = divided(&self.fleet, batch);
        self.played.torn.extend(divided);
        self.count(batch);
        for node in &batch.nodes {
            let seconds = 600 + self.chance.below(1800);
            self.lanes.insert(node.clone(), (seconds, self.played.batches.len()));
            self.fleet.worker(node.as_str()).stage = Stage::AtWork;
        }
        self.evict(batch);
        self.played.batches.push(batch.nodes.clone());
        // What begins anew has begun before the next decision.
        self.fleet.now += SignedDuration::from_secs(1);
    }

    /// Counts the gangs that the batch interrupts, by what it says itself.
    fn count(&mut self, batch: &Batch) {
        for id in &batch.interrupts {
            // Of a gang of unknown age the scheduler can't see whether it has begun anew.
            let gang = |job: &&Job| job.id == *id && job.gang && job.since.is_some();
            let known = self.fleet.jobs.iter().any(|job| gang(&job));
            if known && !self.interrupted.insert(id.clone()) {
                self.played.torn.push(format!("{id} is interrupted again, and it has not begun anew"));
            }
        }
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
            let shrinks = batch.shrinks.contains(&job.id);
            let named = shrinks || self.fleet.interrupted.contains_key(&job.id);
            assert!(!counts || named, "{} is not named", job.id);
            let nodes = job.nodes.len();
            let lost: u32 = batch.nodes.iter().filter_map(|node| job.nodes.get(node)).sum();
            job.nodes.retain(|node, _| !batch.nodes.contains(node));
            if shrinks {
                // Its pods wait for a node, or find one at once.
                if !up.is_empty() && self.chance.below(2) == 0 {
                    let at = self.chance.below(up.len() as u64) as usize;
                    *job.nodes.entry(up[at].clone()).or_default() += lost;
                }
                continue;
            }
            // The rest of a large gang hangs for a while, or all of it begins again elsewhere.
            if job.gang && !up.is_empty() && self.chance.below(3) > 0 {
                let start = self.chance.below(up.len() as u64) as usize;
                let new = (0..nodes).map(|n| (up[(start + n) % up.len()].clone(), 1));
                job.nodes = new.collect();
                self.interrupted.remove(&job.id);
                job.since = Some(self.fleet.now);
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

    /// Removes the reason that a wait without a time names: a node that is down, or windows that do not open again.
    fn help(&mut self, why: &str) {
        let down = self.fleet.workers.iter_mut().find(|w| w.unavailable && why.contains(w.node.as_str()));
        if let Some(worker) = down {
            worker.unavailable = false;
            return;
        }
        let (policy, now, seconds) = (&self.fleet.policy, self.fleet.now, self.fleet.lane_seconds);
        let never = |w: &&Worker| {
            let open = open_for_worker(policy, &w.labels, w.category.as_deref(), now, seconds);
            w.stage == Stage::ToCome && open == Err(None)
        };
        let closed: Vec<NodeName> = self.fleet.workers.iter().filter(never).map(|w| w.node.clone()).collect();
        if why.contains("window") && !closed.is_empty() {
            return self.leave(closed, why);
        }
        panic!("a wait names nothing that could end it: {why}");
    }
}
