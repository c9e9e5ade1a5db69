//! The schedule of someone who knows the length of every lane: nodes of one job begin together, at most so many nodes are away at once, and
//! whoever is longest goes first. The best of a few orders counts.

use podlift_model::NodeName;
use std::collections::{BTreeMap, BTreeSet};

/// The lanes of nodes that begin together.
type Unit = Vec<f64>;
/// What goes first.
type Order = fn(&Unit) -> (usize, f64);

const ORDERS: [Order; 3] = [|u| (u.len(), longest(u)), |u| (0, longest(u)), |u| (0, u.iter().sum())];

fn longest(unit: &Unit) -> f64 {
    unit.iter().copied().fold(0.0, f64::max)
}

/// Seconds from the first lane to the last one.
pub fn seconds(lanes: &BTreeMap<NodeName, f64>, jobs: &[Vec<NodeName>], limit: usize) -> f64 {
    let mut single: BTreeSet<&NodeName> = lanes.keys().collect();
    let mut units: Vec<Unit> = vec![];
    for job in jobs {
        let here: Vec<&NodeName> = job.iter().filter(|node| lanes.contains_key(*node)).collect();
        single.retain(|node| !here.contains(node));
        units.push(here.iter().map(|node| lanes[*node]).collect());
    }
    units.extend(single.into_iter().map(|node| vec![lanes[node]]));
    units.retain(|unit| !unit.is_empty());
    let all = ORDERS.iter().map(|order| played(units.clone(), *order, limit));
    all.fold(f64::INFINITY, f64::min)
}

/// Each unit begins as soon as there is room for all of it; smaller ones pass larger ones that wait.
fn played(mut units: Vec<Unit>, order: Order, limit: usize) -> f64 {
    units.sort_by(|a, b| {
        let (a, b) = (order(a), order(b));
        b.0.cmp(&a.0).then(b.1.total_cmp(&a.1))
    });
    let (mut now, mut ends): (f64, Vec<f64>) = (0.0, vec![]);
    loop {
        let mut i = 0;
        while i < units.len() {
            match ends.len() + units[i].len() <= limit {
                true => ends.extend(units.remove(i).into_iter().map(|lane| now + lane)),
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
        assert_eq!(seconds(&lanes, &[vec![name("a"), name("b")]], 2), 16.0);
        assert_eq!(seconds(&lanes, &[], 1), 30.0);
        assert_eq!(seconds(&lanes, &[], 4), 10.0);
    }
}
