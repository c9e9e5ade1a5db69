//! What a feature gate does to a component on a given minor: nothing, a warning, or an exit at startup (upstream `featuregate.go`: an
//! unknown gate is an error, and so is the other value of a locked gate). The test `generate` makes the table from
//! `tests/fixtures/feature-gates.json` (the gate lists of Kubernetes 1.31.14 and 1.32.13, and the published lists of the 1.33 and 1.34
//! cycles): `PODLIFT_BLESS=1 cargo test -p podlift-model gates`.

#[cfg(test)]
mod generate;
mod table;
#[cfg(test)]
mod tests;

use crate::version::Minor;
use table::TABLE;

/// Minor of Kubernetes 1 in the first column.
const FIRST: u16 = 31;
const COLUMNS: usize = 4;

/// What is known of a gate on one minor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// That version does not know the gate: any value is fatal.
    Unknown,
    Alpha,
    Beta,
    /// Generally available, not locked.
    Ga,
    Deprecated,
    /// The other value is fatal.
    Locked(bool),
    /// As `Locked`, but known only from a list of that version's development cycle.
    PerhapsLocked(bool),
    /// The lists do not agree on whether that version knows the gate.
    PerhapsUnknown,
}

/// How a component reacts to `--feature-gates=GATE=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Fine,
    /// It starts. The gate is alpha there and off by default, and may change or be removed with any release.
    Alpha,
    /// It starts and logs this warning.
    Warning(String),
    /// It does not start, because the gate is locked to the other value. Has the error text.
    Locked(String),
    /// It does not start, because it does not know the gate. Has the error text.
    Removed(String),
    /// The sources do not decide it; look at that exact release. Has the error text that is possible.
    Uncertain(String),
    /// The gate is not in podlift's lists for that minor.
    Unlisted,
}

impl Verdict {
    /// The error text if the component certainly does not start.
    pub fn fatal(self) -> Option<String> {
        match self {
            Self::Locked(text) | Self::Removed(text) => Some(text),
            _ => None,
        }
    }
}

/// How a component of `minor` reacts to the gate.
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

/// The exact error text with which the component exits on `minor`; `None` if that is not certain.
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
