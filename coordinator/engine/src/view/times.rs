//! How long the lanes of nodes take, beside those of their class that are over.

use crate::inventory::{Class, NodeEntry};
use crate::machine::{RunState, longest, quantile};
use jiff::Timestamp;
use podlift_model::NodeName;
use std::collections::BTreeMap;

/// The time of one lane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Time {
    pub seconds: f64,
    /// The median of its class; `None` until one is over.
    pub usual: Option<f64>,
    /// It takes so long that something is wrong with it.
    pub late: bool,
}

/// The lanes of a run, looked at once for all rows.
pub(super) struct Lanes<'a> {
    begun: BTreeMap<&'a NodeName, (Class<'a>, f64)>,
    /// Seconds of the lanes that are done, the shortest first.
    done: BTreeMap<Class<'a>, Vec<f64>>,
}

impl<'a> Lanes<'a> {
    pub fn of(state: &'a RunState, now: Timestamp) -> Self {
        let (mut begun, mut done) = (BTreeMap::new(), BTreeMap::<Class, Vec<f64>>::new());
        let nodes = &state.plan.inventory.nodes;
        let timed = |node: &'a NodeEntry| {
            let lane = state.lane_time(&node.name)?;
            Some((node, lane, lane.seconds(now)?))
        };
        for (node, lane, seconds) in nodes.iter().filter_map(timed) {
            begun.insert(&node.name, (node.class(), seconds));
            if lane.is_done() {
                done.entry(node.class()).or_default().push(seconds);
            }
        }
        done.values_mut().for_each(|seconds| seconds.sort_by(f64::total_cmp));
        Self { begun, done }
    }

    /// `None` while the lane has not begun.
    pub fn of_node(&self, node: &NodeName) -> Option<Time> {
        let (class, seconds) = *self.begun.get(node)?;
        let done = self.done.get(&class).map_or(&[][..], Vec::as_slice);
        let late = longest(done).is_some_and(|most| seconds > most);
        Some(Time { seconds, usual: quantile(done, 0.5), late })
    }
}
