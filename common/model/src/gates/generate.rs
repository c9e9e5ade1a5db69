//! Makes `table.rs` from the data file, and checks that the two agree.

use super::{COLUMNS, FIRST, State};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

#[derive(Deserialize)]
pub struct Data {
    pub gates: BTreeMap<String, Gate>,
    #[serde(rename = "added_after_1.32_seen_in_1.33-dev_or_1.34-dev")]
    pub later: Vec<String>,
}

#[derive(Deserialize)]
pub struct Gate {
    stage: BTreeMap<String, Option<String>>,
    locked_to: BTreeMap<String, Option<bool>>,
    default: BTreeMap<String, Option<bool>>,
    pub known: BTreeMap<String, Option<bool>>,
    pub locked_from_later: Option<String>,
    pub removed_in: Option<String>,
    #[serde(rename = "effect_on_1.32")]
    pub effect: BTreeMap<String, Effect>,
}

#[derive(Deserialize)]
pub struct Effect {
    pub outcome: String,
    pub text: Option<String>,
}

pub fn data() -> Data {
    serde_json::from_str(include_str!("../../../../tests/fixtures/feature-gates.json")).unwrap()
}

impl Gate {
    /// State on a released minor, from the sources of that minor.
    fn released(&self, minor: &str) -> State {
        if self.known[minor] == Some(false) {
            return State::Unknown;
        }
        match (self.locked_to[minor], self.stage[minor].as_deref()) {
            (Some(to), _) => State::Locked(to),
            (None, Some("alpha")) => State::Alpha,
            (None, Some("beta" | "special")) => State::Beta,
            (None, Some("ga")) => State::Ga,
            (None, Some("deprecated")) => State::Deprecated,
            other => panic!("a stage that is not known: {other:?}"),
        }
    }

    /// State on a minor of which only the lists of its development cycle are known.
    fn later(&self, minor: &str) -> State {
        let either = self.removed_in.as_deref().is_some_and(|r| r.contains("-or-"));
        match self.known[&format!("{minor}-dev")] {
            None => State::PerhapsUnknown,
            Some(true) if either => State::PerhapsUnknown,
            Some(false) => State::Unknown,
            Some(true) => self.locked_later(minor).unwrap_or_else(|| self.released("1.32")),
        }
    }

    /// State of a gate that a later list locks. A lock takes the earlier default, which is true: a gate that stays off until its removal
    /// is listed as deprecated.
    fn locked_later(&self, minor: &str) -> Option<State> {
        let from = self.locked_from_later.as_deref()?;
        let (since, seen) = from.split_once(' ').map_or((from, false), |(since, _)| (since, true));
        let to = self.default["1.32"] == Some(true);
        let holds = since <= minor;
        holds.then_some(if seen || !to { State::PerhapsLocked(true) } else { State::Locked(true) })
    }

    fn states(&self) -> [State; COLUMNS] {
        [self.released("1.31"), self.released("1.32"), self.later("1.33"), self.later("1.34")]
    }
}

/// Gates that were added after 1.32; the exact minor is not certain.
const LATER: [State; COLUMNS] =
    [State::Unknown, State::Unknown, State::PerhapsUnknown, State::PerhapsUnknown];

fn rows(data: &Data) -> BTreeMap<&str, [State; COLUMNS]> {
    let later = data.later.iter().map(|name| (name.as_str(), LATER));
    data.gates.iter().map(|(name, gate)| (name.as_str(), gate.states())).chain(later).collect()
}

fn code(state: State) -> &'static str {
    match state {
        State::Unknown => "N",
        State::Alpha => "A",
        State::Beta => "B",
        State::Ga => "G",
        State::Deprecated => "D",
        State::Locked(true) => "LT",
        State::Locked(false) => "LF",
        State::PerhapsLocked(true) => "PT",
        State::PerhapsLocked(false) => "PF",
        State::PerhapsUnknown => "PN",
    }
}

fn render(data: &Data) -> String {
    let mut out = format!(
        "//! Generated from `tests/fixtures/feature-gates.json` (see `mod.rs`): a gate, and its state on 1.{FIRST} and the minors after it.\n\n\
         use super::{{COLUMNS, State}};\n\n\
         const N: State = State::Unknown;\nconst A: State = State::Alpha;\nconst B: State = State::Beta;\nconst G: State = State::Ga;\n\
         const D: State = State::Deprecated;\nconst LT: State = State::Locked(true);\nconst LF: State = State::Locked(false);\n\
         const PT: State = State::PerhapsLocked(true);\nconst PN: State = State::PerhapsUnknown;\n\n\
         #[rustfmt::skip]\npub(super) const TABLE: &[(&str, [State; COLUMNS])] = &[\n"
    );
    for (name, states) in rows(data) {
        writeln!(out, "    (\"{name}\", [{}]),", states.map(code).join(", ")).unwrap();
    }
    out + "];\n"
}

#[test]
fn the_table_is_what_the_data_says() {
    let (want, path) = (render(&data()), concat!(env!("CARGO_MANIFEST_DIR"), "/src/gates/table.rs"));
    #[allow(clippy::disallowed_methods)] // reads and writes the source of this crate
    if std::env::var_os("PODLIFT_BLESS").is_some() {
        std::fs::write(path, &want).unwrap();
    } else {
        assert!(want == include_str!("table.rs"), "run PODLIFT_BLESS=1 cargo test -p podlift-model gates");
    }
}
