//! The word of a person that a step needs before it acts: an item by name.

use super::reply::{blocked, partly};
use super::{Assess, Cx};
use crate::program::{APPROVAL, Item};

/// The verdict while the item is not approved; `None` if the step may act. `what` says in a sentence what the step would do, and why.
pub(super) fn awaited(cx: &Cx, item: Item, what: &str) -> Option<Assess> {
    match cx.state.decision(item) {
        Some(word) if word.approved => None,
        Some(word) => Some(partly(format!("{what}: refused by {} ({})", word.by, word.reason))),
        None if item.is_asked(&cx.program().options) => {
            let message = format!(
                "{what}: the step waits for your approval of {item}; to go on without this change: podlift approve {item} --refuse --reason TEXT"
            );
            Some(blocked(APPROVAL, message, item.command()))
        }
        None => None,
    }
}

/// Whether a person has refused the item.
pub(super) fn is_refused(cx: &Cx, item: Item) -> bool {
    cx.state.decision(item).is_some_and(|word| !word.approved)
}
