//! The schedule of someone who knows the length of every lane: nodes of one job begin together, at most so many nodes are away at once, and
//! smaller ones pass larger ones that wait.

use podlift_model::NodeName;
use std::collections::{BTreeMap, BTreeSet};

/// Nodes that begin together.
#[derive(Debug, Clone)]
struct Unit {
    /// Seconds of each.
    lanes: Vec<f64>,
    /// They run one job; otherwise it is one idle node.
    job: bool,
}

/// What goes first: larger numbers.
type Order = fn(&Unit) -> (f64, f64);

const BEST: [Order; 3] = [|u| (size(u), longest(u)), |u| (0.0, longest(u)), |u| (0.0, u.lanes.iter().sum())];
/// Idle nodes before all jobs, then the largest job first.
const IDLE_FIRST: Order = |u| if u.job { (0.0, size(u)) } else { (1.0, longest(u)) };
/// The job that loses least first, which is the smallest one where all are of one age.
const LEAST_LOSS: Order = |u| if u.job { (-size(u), longest(u)) } else { (0.0, longest(u)) };

/// Seconds from the first lane to the last one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ideal {
    /// In the best of a few orders, whatever it costs the jobs.
    pub best: f64,
    pub idle_first: f64,
    pub least_loss: f64,
}

fn size(unit: &Unit) -> f64 {
    unit.lanes.len() as f64
}

fn longest(unit: &Unit) -> f64 {
    unit.lanes.iter().copied().fold(0.0, f64::max)
}

pub fn seconds(lanes: &BTreeMap<NodeName, f64>, jobs: &[Vec<NodeName>], limit: usize) -> Ideal {
    let mut single: BTreeSet<&NodeName> = lanes.keys().collect();
    let mut units: Vec<Unit> = vec![];
    for job in jobs {
        let here: Vec<&NodeName> = job.iter().filter(|node| lanes.contains_key(*node)).collect();
        single.retain(|node| !here.contains(node));
        units.push(Unit { lanes: here.iter().map(|node| lanes[*node]).collect(), job: true });
    }
    units.extend(single.into_iter().map(|node| Unit { lanes: vec![lanes[node]], job: false }));
    units.retain(|unit| !unit.lanes.is_empty());
    let by = |order: Order| played(units.clone(), order, limit);
    Ideal {
        best: BEST.iter().map(|order| by(*order)).fold(f64::INFINITY, f64::min),
        idle_first: by(IDLE_FIRST),
        least_loss: by(LEAST_LOSS),
    }
}

/// Each unit begins as soon as there is room for all of it; smaller ones pass larger ones that wait.
fn played(mut units: Vec<Unit>, order: Order, limit: usize) -> f64 {
    units.sort_by(|a, b| {
        let (a, b) = (order(a), order(b));
        b.0.total_cmp(&a.0).then(b.1.total_cmp(&a.1))
    });
    let (mut now, mut ends): (f64, Vec<f64>) = (0.0, vec![]);
    loop {
        let mut i = 0;
        while i < units.len() {
            match ends.len() + units[i].lanes.len() <= limit {
                true => ends.extend(units.remove(i).lanes.into_iter().map(|lane| now + lane)),
                false => i += 1,
            }
        }
        let Some(first) = ends.iter().copied().min_by(f64::total_cmp) else { return now };
        now = first;
        ends.retain(|end| *end > now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_waits_for_room_and_others_pass_it() {
        let name = |text: &str| NodeName::new(text).unwrap();
        let lanes: BTreeMap<NodeName, f64> =
            [("a", 10.0), ("b", 10.0), ("c", 4.0), ("d", 6.0)].map(|(n, s)| (name(n), s)).into();
        let gang = [vec![name("a"), name("b")]];
        assert_eq!(seconds(&lanes, &gang, 2), Ideal { best: 16.0, idle_first: 16.0, least_loss: 16.0 });
        assert_eq!(seconds(&lanes, &[], 1).best, 30.0);
        assert_eq!(seconds(&lanes, &[], 4).best, 10.0);
    }

    #[test]
    fn the_order_that_spares_jobs_may_take_longer() {
        let name = |i: usize| NodeName::new(format!("n{i}")).unwrap();
        let lanes: BTreeMap<NodeName, f64> = (0..6).map(|i| (name(i), 10.0)).collect();
        let jobs = [vec![name(0), name(1)], vec![name(2), name(3)], vec![name(4)], vec![name(5)]];
        // Each time a job of two and one of one, or both jobs of one and then those of two, one after the other.
        assert_eq!(seconds(&lanes, &jobs, 3), Ideal { best: 20.0, idle_first: 20.0, least_loss: 30.0 });
    }
}
