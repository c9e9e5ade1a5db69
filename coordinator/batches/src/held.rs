//! Units that may not be taken although there is room.

use crate::field::Field;
use crate::units::Unit;
use crate::windows::Opening;
use crate::{Scene, TooLarge};
use jiff::{SignedDuration, Timestamp};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Held {
    /// A job must not be interrupted. It gets time until then.
    Never(Timestamp),
    /// A job must not be interrupted, and its time is over: its nodes are left out.
    Overdue,
    /// A gang is too large, and its owner gets time until then.
    Until(Timestamp),
    /// A gang is too large, and its nodes are left out.
    Skip,
    /// A gang is too large, and an operator decides.
    Ask,
    /// The group waits until then, because its canary has just ended.
    Soaks(usize, Timestamp),
    /// The canary of the group has failed, and its other nodes are left out.
    Canary(usize),
    /// As many nodes of the group have failed as it allows, and its other nodes are left out.
    Failed(usize),
    /// The windows of its nodes are closed, at least some of them.
    Closed(Opening),
    /// The windows of its nodes are never open together, and a gang keeps its nodes together: they are left out.
    Apart,
}

/// Why its jobs keep the unit back; `None` if they do not.
pub(crate) fn held(scene: &Scene, field: &Field, unit: &Unit, now: Timestamp) -> Option<Held> {
    if !unit.never.is_empty() {
        let until = later(scene.started, scene.policy.never_interrupt_seconds);
        return Some(if now < until { Held::Never(until) } else { Held::Overdue });
    }
    if unit.large.iter().all(|at| scene.agreed.contains(&field.tasks[*at].job.id)) {
        return None;
    }
    match scene.policy.gangs.too_large {
        TooLarge::Evict => None,
        TooLarge::Wait => {
            let until = later(scene.started, scene.policy.gangs.wait_seconds);
            (now < until).then_some(Held::Until(until))
        }
        TooLarge::Skip => Some(Held::Skip),
        TooLarge::Ask => Some(Held::Ask),
    }
}

impl Held {
    /// Whether the nodes are left out.
    pub fn leaves(&self) -> bool {
        matches!(self, Self::Skip | Self::Overdue | Self::Canary(_) | Self::Failed(_) | Self::Apart)
    }

    /// Until when the nodes wait.
    pub fn until(&self) -> Option<Timestamp> {
        match self {
            Self::Never(until) | Self::Until(until) | Self::Soaks(_, until) => Some(*until),
            Self::Closed(Opening::From(until)) => Some(*until),
            Self::Closed(_) | Self::Overdue | Self::Skip | Self::Ask => None,
            Self::Canary(_) | Self::Failed(_) | Self::Apart => None,
        }
    }
}

/// A time so many seconds later, or the last one that there is.
pub(crate) fn later(time: Timestamp, seconds: u64) -> Timestamp {
    let seconds = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    time.saturating_add(seconds).unwrap_or(Timestamp::MAX)
}
