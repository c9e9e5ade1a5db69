//! What a feature gate does to a component on a given minor: nothing, a warning, or its end at startup (upstream `featuregate.go`: an
//! unknown gate is an error, a locked gate with the other value too). The table is generated from `tests/fixtures/feature-gates.json`
//! (the gate lists of Kubernetes 1.31.14 and 1.32.13, and the published lists of the 1.33 and 1.34 cycles) by the test `generate`:
//! `PODLIFT_BLESS=1 cargo test -p podlift-model gates`.

#[cfg(test)]
mod generate;
mod table;
#[cfg(test)]
mod tests;

use crate::version::Minor;
use table::TABLE;

/// Minor of Kubernetes 1 that the first column is about.
const FIRST: u16 = 31;
const COLUMNS: usize = 4;

/// What is known of a gate on one minor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Not known to that version: fatal whatever the value.
    Unknown,
    Alpha,
    Beta,
    /// Generally available, not locked.
    Ga,
    Deprecated,
    /// The other value is fatal.
    Locked(bool),
    /// As `Locked`, by a list of the development of that version.
    PerhapsLocked(bool),
    /// Known to that version or not: the lists do not agree.
    PerhapsUnknown,
}

/// What a component makes of `--feature-gates=GATE=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Fine,
    /// It starts; the gate is alpha there, off by default, and may change or go with any release.
    Alpha,
    /// It starts and says this.
    Warning(String),
    /// It does not start: the gate is locked to the other value. With what it dies with.
    Locked(String),
    /// It does not start: it does not know the gate. With what it dies with.
    Removed(String),
    /// The sources do not decide it; look at that exact release. With what it would die with.
    Uncertain(String),
    /// Not in podlift's lists for that minor.
    Unlisted,
}

impl Verdict {
    /// What the component certainly dies with.
    pub fn fatal(self) -> Option<String> {
        match self {
            Self::Locked(text) | Self::Removed(text) => Some(text),
            _ => None,
        }
    }
}

/// What a component of `minor` makes of the gate.
pub fn verdict(gate: &str, value: bool, minor: Minor) -> Verdict {
    let Some(state) = state(gate, minor) else { return Verdict::Unlisted };
    let removed = || format!("unrecognized feature gate: {gate}");
    let locked = |to| format!("cannot set feature gate {gate} to {value}, feature is locked to {to}");
    let said = |stage| {
        format!("Setting {stage} feature gate {gate}={value}. It will be removed in a future release.")
    };
    match state {
        State::Unknown => Verdict::Removed(removed()),
        State::PerhapsUnknown => Verdict::Uncertain(removed()),
        State::Locked(to) if to != value => Verdict::Locked(locked(to)),
        State::PerhapsLocked(to) if to != value => Verdict::Uncertain(locked(to)),
        State::Locked(true) | State::Ga => Verdict::Warning(said("GA")),
        State::Locked(false) | State::Deprecated => Verdict::Warning(said("deprecated")),
        State::Alpha if value => Verdict::Alpha,
        State::Alpha | State::Beta | State::PerhapsLocked(_) => Verdict::Fine,
    }
}

/// The exact text that the component dies with on `minor`, or None where that is not certain.
pub fn fatal_text(gate: &str, value: bool, minor: Minor) -> Option<String> {
    verdict(gate, value, minor).fatal()
}

/// Every gate of the table.
pub fn known() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|(gate, _)| *gate)
}

fn state(gate: &str, minor: Minor) -> Option<State> {
    let column = usize::from(minor.minor.checked_sub(FIRST).filter(|_| minor.major == 1)?);
    let row = TABLE.binary_search_by(|(name, _)| (*name).cmp(gate)).ok()?;
    TABLE[row].1.get(column).copied()
}
