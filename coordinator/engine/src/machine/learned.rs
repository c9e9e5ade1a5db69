//! How long the steps of this run have taken, by verb and class of their nodes. A class of nodes that is slow in a step gets longer for it than
//! the configuration gives to all: a DGX boots for many minutes.

use super::lengths::quantile;
use super::state::RunState;
use super::step::StepState;
use crate::inventory::{Class, NodeRole};
use crate::program::StepSpec;
use jiff::Timestamp;
use podlift_model::NodeName;
use rpds::RedBlackTreeMapSync;
use std::sync::Arc;
use std::time::Duration;

/// From so many steps of a class on, their lengths count.
const ENOUGH: usize = 3;
/// A node is late, and a step has waited too long, after so many times what all but the slowest twentieth need.
const TIMES: f64 = 2.0;
const SLOW: f64 = 0.95;

/// Role, model and verb.
type Key = (NodeRole, String, String);

/// Seconds of the steps that are done, the shortest first. A state is cloned with every event, and lists that do not change are shared.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Learned(RedBlackTreeMapSync<Key, Lengths>);

#[derive(Debug, Clone, Default, PartialEq)]
struct Lengths {
    sorted: Arc<Vec<f64>>,
    /// The longest limit that they have given so far. A step that waits does not lose time because others were quick.
    limit: Option<f64>,
}

impl Learned {
    fn limit(&self, class: Class, verb: &str) -> Option<f64> {
        self.0.get(&key(class, verb))?.limit
    }

    fn add(&mut self, class: Class, verb: &str, seconds: f64) {
        let key = key(class, verb);
        let mut lengths = self.0.get(&key).cloned().unwrap_or_default();
        let list = Arc::make_mut(&mut lengths.sorted);
        list.insert(list.partition_point(|length| *length <= seconds), seconds);
        lengths.limit = longest(list).into_iter().chain(lengths.limit).reduce(f64::max);
        self.0.insert_mut(key, lengths);
    }
}

fn key(class: Class, verb: &str) -> Key {
    (class.role, class.model.into(), verb.into())
}

/// What may take as long as this at most, if so many of its kind took so long; `None` while too few have.
pub fn longest(sorted: &[f64]) -> Option<f64> {
    let slow = quantile(sorted, SLOW)?;
    (sorted.len() >= ENOUGH).then_some(slow * TIMES)
}

/// A step of a node is done for the first time, in the same stretch of the run in which it began: the time of a later attempt has everything
/// in it that came between, and a pause may be as long as a weekend.
pub(super) fn done(s: &mut RunState, spec: &StepSpec, at: Timestamp) {
    let Some(class) = spec.node.as_ref().and_then(|node| s.plan.inventory.get(node)).map(|n| n.class())
    else {
        return;
    };
    let Some(seconds) = s.steps.get(&spec.id).and_then(|step| first_time(step, at, s.continued)) else {
        return;
    };
    s.learned.add(class, &spec.kind.step().verb(), seconds);
    if let Some(step) = s.steps.get_mut(&spec.id) {
        step.timed = true;
    }
}

fn first_time(step: &StepState, at: Timestamp, continued: u32) -> Option<f64> {
    let began = step.began.filter(|_| !step.timed && !step.retried && step.began_in == continued)?;
    Some(at.duration_since(began).as_secs_f64().max(0.0))
}

impl RunState {
    /// The longest that a step with this verb may need on nodes of this node's class, by those that are done; `None` while too few are.
    pub fn learned_limit(&self, node: &NodeName, verb: &str) -> Option<Duration> {
        let class = self.plan.inventory.get(node)?.class();
        Duration::try_from_secs_f64(self.learned.limit(class, verb)?).ok()
    }
}
