//! The schedule of someone who knows the length of every step: at most so many lanes at once, of which at most so many have a slot; who
//! has waited longest for a slot gets the next one. The best of a few orders counts.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// Seconds of a worker's lane.
#[derive(Debug, Clone, Copy)]
pub struct Lane {
    pub before: f64,
    /// With a slot.
    pub sync: f64,
    pub after: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// Nothing is in its way but a slot.
    Ready(usize),
    Served(usize),
    Over,
}

/// What goes first: larger numbers.
type Order = fn(&Lane) -> f64;
const ORDERS: [Order; 3] = [|_| 0.0, |l| l.before + l.sync + l.after, |l| l.sync + l.after];

/// From the first lane's begin to the last one's end.
pub fn seconds(lanes: &[Lane], limit: usize, slots: usize) -> f64 {
    let all = ORDERS.iter().map(|order| {
        let mut lanes = lanes.to_vec();
        lanes.sort_by(|a, b| order(b).total_cmp(&order(a)));
        played(&lanes, limit, slots)
    });
    all.fold(f64::INFINITY, f64::min)
}

fn milliseconds(seconds: f64) -> u64 {
    (seconds * 1000.0).round() as u64
}

fn played(lanes: &[Lane], limit: usize, slots: usize) -> f64 {
    let (mut events, mut queue) = (BinaryHeap::new(), VecDeque::new());
    let (mut next, mut running, mut free, mut now) = (0, 0, slots, 0);
    loop {
        while running < limit && next < lanes.len() {
            events.push(Reverse((now + milliseconds(lanes[next].before), Event::Ready(next))));
            (next, running) = (next + 1, running + 1);
        }
        let Some(Reverse((at, event))) = events.pop() else { return now as f64 / 1000.0 };
        now = at;
        match event {
            Event::Ready(i) => queue.push_back(i),
            Event::Served(i) => {
                free += 1;
                events.push(Reverse((now + milliseconds(lanes[i].after), Event::Over)));
            }
            Event::Over => running -= 1,
        }
        while let Some(i) = queue.front().copied().filter(|_| free > 0) {
            queue.pop_front();
            free -= 1;
            events.push(Reverse((now + milliseconds(lanes[i].sync), Event::Served(i))));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_or_lanes_are_the_limit() {
        let lanes = [Lane { before: 1.0, sync: 10.0, after: 2.0 }; 4];
        for (limit, slots, want) in [(4, 4, 13.0), (4, 1, 43.0), (1, 4, 52.0), (4, 2, 23.0), (2, 2, 26.0)] {
            assert_eq!(seconds(&lanes, limit, slots), want, "{limit} {slots}");
        }
        assert_eq!(seconds(&[], 4, 2), 0.0);
    }
}
