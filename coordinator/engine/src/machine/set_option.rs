//! Options that an operator may change while the run goes on.

use super::illegal::IllegalEvent;
use super::state::RunState;

/// The option of a run that an operator may change (`Event::OptionSet`).
pub const MAX_UNAVAILABLE: &str = "max-unavailable";

pub(super) fn set(s: &mut RunState, name: &str, value: &str) -> Result<(), IllegalEvent> {
    let wrong = |expected| IllegalEvent::Option { name: name.into(), value: value.into(), expected };
    match name {
        MAX_UNAVAILABLE => {
            let number = value.parse().ok().filter(|n| *n > 0);
            s.max_unavailable = number.ok_or_else(|| wrong("a number of workers from 1"))?;
            Ok(())
        }
        _ => Err(wrong("an option that a run can change: max-unavailable")),
    }
}
