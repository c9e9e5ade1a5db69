//! Items that a person approves or refuses by name. A step that needs one fails with code `approval` until there is a word; the word has it
//! judged again, and the run goes on. The last word counts.

use super::again::retry;
use super::apply::runs;
use super::approval;
use super::illegal::IllegalEvent;
use super::state::{RunState, RunStatus};
use super::words::Decision;
use crate::program::Item;
use jiff::Timestamp;
use podlift_model::StepId;

/// The item for which the run waits; `None` if no failed step waits for one.
pub(super) fn awaited(s: &RunState) -> Option<Item> {
    s.failed_steps().find_map(|(_, reason)| Item::awaited_by(reason))
}

pub(super) fn decide(
    s: &mut RunState,
    at: Timestamp,
    item: &str,
    by: &str,
    refused: Option<&String>,
) -> Result<(), IllegalEvent> {
    let known: Item = item.parse().map_err(|_| IllegalEvent::UnknownItem { item: item.into() })?;
    if let RunStatus::Aborting { .. } = s.status {
        return Err(IllegalEvent::Status { event: "item-approved", status: "aborting" });
    }
    let decision = Decision {
        approved: refused.is_none(),
        by: by.into(),
        reason: refused.cloned().unwrap_or_default(),
        at,
    };
    s.items.insert(item.into(), decision);
    let waiting: Vec<StepId> = s
        .failed_steps()
        .filter(|(_, reason)| Item::awaited_by(reason) == Some(known))
        .map(|(spec, _)| spec.id.clone())
        .collect();
    for step in &waiting {
        retry(s, Some(step), false)?;
    }
    let asked = matches!(&s.status, RunStatus::Paused { reason } if reason.code == approval::CODE);
    if asked && !waiting.is_empty() {
        runs(s);
    }
    Ok(())
}

impl RunState {
    /// What a person has decided about the item; `None` without a word.
    pub fn decision(&self, item: Item) -> Option<&Decision> {
        self.items.get(item.name())
    }

    /// The item for which the run waits, if it is paused for one.
    pub fn awaited_item(&self) -> Option<Item> {
        awaited(self)
    }
}
