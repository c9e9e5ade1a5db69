//! The order of the units.

use crate::Order;
use crate::field::{Field, Past};
use crate::units::Unit;
use std::cmp::Reverse;

/// What a unit holds, in the order in which units are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    /// The rest of a gang that this run has interrupted: its GPUs wait for nothing.
    Remnant,
    /// No job that loses work.
    Idle,
    /// Only jobs whose owners accept interruptions.
    Preemptible,
    Busy,
    /// A job that this run has interrupted once and that works again. It may end before its turn.
    Again,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    class: Class,
    /// For one node of the unit, so that a gang and single nodes are comparable.
    loss: u128,
    interactive: bool,
    /// More nodes first: smaller units fill what a large one leaves free, and not the other way round.
    nodes: Reverse<usize>,
    pods: u64,
    /// The lowest node, so that no two keys are equal.
    first: usize,
}

/// What decides between units before their sizes do.
pub(crate) type Rank = (Class, u128, bool);

impl Class {
    pub fn of(field: &Field, unit: &Unit) -> Self {
        let past = |past: Past| unit.tasks.iter().any(|at| field.tasks[*at].past == past);
        if past(Past::Again) {
            Self::Again
        } else if past(Past::Remnant) {
            Self::Remnant
        } else if unit.tasks.is_empty() {
            Self::Idle
        } else if unit.tasks.iter().all(|at| field.tasks[*at].job.preemptible) {
            Self::Preemptible
        } else {
            Self::Busy
        }
    }
}

impl Key {
    /// The key of a unit so many seconds after the time of the scene.
    pub fn of(field: &Field, unit: &Unit, seconds: u64) -> Self {
        let class = Class::of(field, unit);
        let first = unit.nodes[0];
        match unit.order {
            Order::LeastLoss => Self {
                class,
                loss: unit.loss.after(seconds) / unit.nodes.len() as u128,
                interactive: unit.tasks.iter().any(|at| field.tasks[*at].job.interactive),
                nodes: Reverse(unit.nodes.len()),
                pods: unit.pods,
                first,
            },
            Order::AsPlanned => {
                // The names alone decide, so no unit counts as larger than another one. Beside nodes of other groups, which go by least
                // loss, it stands after the idle ones.
                let between = !matches!(class, Class::Remnant | Class::Again);
                let class = if between { Class::Idle } else { class };
                Self { class, loss: 0, interactive: false, nodes: Reverse(0), pods: 0, first }
            }
        }
    }

    pub fn rank(&self) -> Rank {
        (self.class, self.loss, self.interactive)
    }

    /// The number of nodes; 0 if it does not count.
    pub fn size(&self) -> usize {
        self.nodes.0
    }
}
