//! Objects that went while the run was open, and what the coordinator's keeper did about each.

use super::event::Event;
use crate::issues::{IssueName, Mend, Writer};
use jiff::Timestamp;
use podlift_model::survey::Seen;
use serde::Serialize;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LostObject {
    /// `service runai/runai-proxy`.
    pub object: String,
    pub issue: IssueName,
    pub what: String,
    pub since: Timestamp,
    pub by: Option<Writer>,
    /// `None` until the keeper begins a repair.
    pub mend: Option<Mend>,
    /// The result of the repair; `None` while there is none.
    pub result: Option<Seen<String>>,
    /// When the repair ended.
    pub ended: Option<Timestamp>,
    pub milliseconds: Option<u64>,
}

/// Takes one event up. A mend belongs to the newest entry of its object that has no result yet.
pub(super) fn hear(all: &mut Vec<LostObject>, at: Timestamp, event: &Event) {
    match event {
        Event::ObjectLost { object, issue, what, by } => match open(all, object) {
            Some(known) if known.mend.is_none() => {
                (known.what, known.by) = (what.clone(), by.clone().or(known.by.take()));
            }
            _ => all.push(LostObject { what: what.clone(), by: by.clone(), ..new(object, *issue, at) }),
        },
        Event::MendStarted { object, issue, mend } => {
            let known = entry(all, object, *issue, at);
            known.mend = Some(mend.clone());
        }
        Event::MendEnded { object, issue, result, milliseconds } => {
            let known = entry(all, object, *issue, at);
            (known.result, known.ended) = (Some(result.clone()), Some(at));
            known.milliseconds = Some(*milliseconds);
        }
        _ => {}
    }
}

fn new(object: &str, issue: IssueName, since: Timestamp) -> LostObject {
    LostObject {
        object: object.into(),
        issue,
        what: String::new(),
        since,
        by: None,
        mend: None,
        result: None,
        ended: None,
        milliseconds: None,
    }
}

fn open<'a>(all: &'a mut [LostObject], object: &str) -> Option<&'a mut LostObject> {
    all.iter_mut().rev().find(|known| known.object == object && known.result.is_none())
}

fn entry<'a>(
    all: &'a mut Vec<LostObject>,
    object: &str,
    issue: IssueName,
    at: Timestamp,
) -> &'a mut LostObject {
    let known = all.iter().rposition(|known| known.object == object && known.result.is_none());
    let place = known.unwrap_or_else(|| {
        all.push(new(object, issue, at));
        all.len() - 1
    });
    &mut all[place]
}
