//! The play: jobs come and go. At the moment of each upgrade the fleet is copied, and the upgrade runs on the copy, so that each way begins
//! with the same jobs on the same nodes.

use crate::chance::Chance;
use crate::cluster::Cluster;
use crate::outcome::{Outcome, Upgrade};
use crate::rollout::{Next, Rollout, Way};
use crate::trace::Trace;
use podlift_batches::{Policy, Stage};
use std::collections::{BTreeMap, BTreeSet};

/// An upgrade that has not ended after so many seconds is given up.
const LONGEST: u64 = 60 * 86_400;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    LaneEnds {
        node: usize,
    },
    /// A job that has begun at that time ends, unless it was interrupted since.
    JobEnds {
        job: usize,
        since: u64,
    },
    Submitted {
        job: usize,
    },
    /// Look again.
    Look,
}

/// Plays the trace in one way.
pub fn run(trace: &Trace, policy: &Policy, way: Way) -> Outcome {
    let mut fleet = Play::of(trace);
    let mut moments: Vec<u64> = trace.upgrades.at_days.iter().map(|day| (day * 86_400.0) as u64).collect();
    moments.sort_unstable();
    let upgrade = |(number, moment): (usize, &u64)| {
        fleet.run_until(*moment);
        fleet.clone().upgrade(Rollout::new(way, policy, trace, *moment), number)
    };
    Outcome::new(way, moments.iter().enumerate().map(upgrade).collect())
}

#[derive(Clone)]
struct Play<'a> {
    trace: &'a Trace,
    cluster: Cluster<'a>,
    events: BTreeSet<(u64, Event)>,
    now: u64,
    current: Option<Current<'a>>,
}

/// The upgrade that goes on.
#[derive(Clone)]
struct Current<'a> {
    number: usize,
    rollout: Rollout<'a>,
    seen: Upgrade,
    /// How often it has interrupted each job.
    times: BTreeMap<usize, u32>,
    lanes: usize,
}

impl<'a> Play<'a> {
    fn of(trace: &'a Trace) -> Self {
        let jobs = trace.jobs.iter().enumerate().map(|(job, j)| (j.submit, Event::Submitted { job }));
        Self { trace, cluster: Cluster::new(trace), events: jobs.collect(), now: 0, current: None }
    }

    /// Lets everything happen up to that second.
    fn run_until(&mut self, second: u64) {
        while self.events.first().is_some_and(|(next, _)| *next <= second) {
            self.step();
        }
        self.now = second;
    }

    fn upgrade(mut self, rollout: Rollout<'a>, number: usize) -> Upgrade {
        let began = self.now;
        self.cluster.nodes.iter_mut().for_each(|node| node.stage = Stage::ToCome);
        self.cluster.avoid_to_come = rollout.taints();
        let lanes = (0..self.cluster.nodes.len()).map(|node| lane(self.trace, number, node)).sum();
        let seen = Upgrade {
            began_at_day: began as f64 / 86_400.0,
            gpu_hours_unavoidable: self.work_of_long_jobs(rollout.fastest(lanes)),
            ..Upgrade::default()
        };
        self.current = Some(Current { number, rollout, seen, times: BTreeMap::new(), lanes: 0 });
        self.decide();
        while self.goes_on() && self.now - began < LONGEST && !self.events.is_empty() {
            self.step();
        }
        self.seen(began)
    }

    /// GPU-hours that the jobs have done until now which still work so many seconds later.
    fn work_of_long_jobs(&self, seconds: u64) -> f64 {
        let work = |(job, running): (&usize, &crate::cluster::Running)| {
            let job = &self.trace.jobs[*job];
            let done = self.now - running.since;
            let long = job.seconds > done + seconds;
            if long { done as f64 * f64::from(job.gpus) / 3600.0 } else { 0.0 }
        };
        self.cluster.running.iter().map(work).sum()
    }

    fn goes_on(&self) -> bool {
        self.cluster.nodes.iter().any(|node| matches!(node.stage, Stage::ToCome | Stage::AtWork))
    }

    /// Everything of the next second happens, and then it is decided what follows.
    fn step(&mut self) {
        let Some((second, _)) = self.events.first().copied() else { return };
        self.now = second;
        while self.events.first().is_some_and(|(next, _)| *next == second) {
            if let Some((_, event)) = self.events.pop_first() {
                self.happen(event);
            }
        }
        self.decide();
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Submitted { job } => self.cluster.submit(job),
            Event::JobEnds { job, since } => {
                if self.cluster.running.get(&job).is_some_and(|running| running.since == since) {
                    self.cluster.end(job);
                }
            }
            Event::LaneEnds { node } => self.end_lane(node),
            Event::Look => {}
        }
    }

    fn decide(&mut self) {
        while let Some(current) = &mut self.current {
            match current.rollout.next(&self.cluster, self.now) {
                Next::Take(nodes) => self.take(&nodes),
                Next::Leave(nodes) => {
                    nodes.iter().for_each(|node| self.cluster.nodes[*node].stage = Stage::Out)
                }
                Next::At(second) => {
                    self.events.insert((second.max(self.now + 1), Event::Look));
                    break;
                }
                Next::Later => break,
            }
        }
        for job in self.cluster.start(self.now) {
            let ends = self.now + self.trace.jobs[job].seconds;
            self.events.insert((ends, Event::JobEnds { job, since: self.now }));
        }
    }

    fn take(&mut self, nodes: &[usize]) {
        self.interrupt(nodes);
        let Some(current) = &mut self.current else { return };
        for node in nodes {
            self.cluster.nodes[*node].stage = Stage::AtWork;
            let seconds = lane(self.trace, current.number, *node);
            self.events.insert((self.now + seconds, Event::LaneEnds { node: *node }));
            current.lanes += 1;
        }
    }

    /// Every job on the nodes ends, and waits to begin again.
    fn interrupt(&mut self, nodes: &[usize]) {
        for job in self.cluster.on(nodes) {
            let (Some(running), Some(current)) = (self.cluster.end(job), &mut self.current) else { continue };
            let seconds = (self.now - running.since) as f64 * f64::from(self.trace.jobs[job].gpus);
            current.seen.gpu_hours_lost += seconds / 3600.0;
            *current.times.entry(job).or_default() += 1;
            self.cluster.submit(job);
        }
    }

    fn end_lane(&mut self, node: usize) {
        self.cluster.nodes[node].stage = Stage::Over;
        if let Some(current) = &mut self.current {
            current.rollout.lane_is_over(node, self.now);
            current.lanes -= 1;
            if current.lanes == 0 {
                current.rollout.batch_is_over();
            }
        }
    }

    fn seen(self, began: u64) -> Upgrade {
        let Some(current) = self.current else { return Upgrade::default() };
        let not_over = |node: &&crate::cluster::Node| node.stage != Stage::Over;
        Upgrade {
            wall_hours: (self.now - began) as f64 / 3600.0,
            jobs_interrupted: current.times.len() as u32,
            jobs_interrupted_again: current.times.values().filter(|times| **times > 1).count() as u32,
            nodes_not_taken: self.cluster.nodes.iter().filter(not_over).count(),
            ..current.seen
        }
    }
}

/// The length of the lane of a node in an upgrade: the same in each way.
fn lane(trace: &Trace, upgrade: usize, node: usize) -> u64 {
    let mut chance = Chance((upgrade as u64) << 32 | node as u64);
    let part = 1.0 + trace.upgrades.spread * (2.0 * chance.part() - 1.0);
    ((trace.upgrades.lane_seconds as f64 * part) as u64).max(1)
}
