//! The known issues that the run met, the words of people about them, the probes, and the validation at the end.

use super::{cell, list};
use crate::render::event::issues::writer;
use crate::render::{beyond, probes, timestamp};
use podlift_engine::machine::{Decision, Note};
use podlift_engine::validate::{Outcome, Validation};
use podlift_engine::view::{IssueRow, Report};
use std::fmt::Write as _;

/// A row an issue and object, with what was done about it.
pub(super) fn issues(r: &Report) -> String {
    if r.issues.is_empty() {
        return String::new();
    }
    let mut out =
        "\n## Known issues\n\n| issue | object | what | since | by | what was done |\n|---|---|---|---|---|---|\n"
            .to_string();
    r.issues.iter().for_each(|row| out += &one(row));
    out
}

fn one(row: &IssueRow) -> String {
    let since = row.since.map_or("not known".into(), timestamp);
    let by = row.by.as_ref().map_or("not known".into(), writer);
    let done = match (&row.done, row.when) {
        (None, _) => "nothing".into(),
        (Some(done), None) => done.clone(),
        (Some(done), Some(when)) => format!("{done}, at {}", timestamp(when)),
    };
    let (object, what) = (cell(&row.object), cell(&row.what));
    format!("| {} | {object} | {what} | {since} | {} | {} |\n", row.issue, cell(&by), cell(&done))
}

pub(super) fn decisions(r: &Report) -> String {
    list("Decided by name", r.items.iter().map(|(item, word)| decision(item, word)))
}

/// `tigera-removal refused by ann at …: the network team decides`.
pub(crate) fn decision(item: &str, word: &Decision) -> String {
    let (how, at) = (if word.approved { "approved" } else { "refused" }, timestamp(word.at));
    let why = if word.reason.is_empty() { String::new() } else { format!(": {}", word.reason) };
    format!("{item} {how} by {} at {at}{why}", word.by)
}

/// Probes of other kinds than the reads, which the table of the API servers has.
pub(super) fn other_probes(r: &Report) -> String {
    let others =
        r.probes.iter().filter(|(kind, _)| !matches!(kind, podlift_engine::machine::ProbeKind::Read));
    let lines = others.flat_map(|(kind, counts)| {
        counts.iter().map(move |(endpoint, counts)| format!("{endpoint}: {}", probes(*kind, counts)))
    });
    list("Other probes", lines)
}

pub(super) fn validation(r: &Report) -> String {
    let Some(seen) = &r.validation else { return String::new() };
    let mut out = format!(
        "\n## Validation\n\nAt {}: {}.\n\n| check | result | evidence | next |\n|---|---|---|---|\n",
        timestamp(seen.at),
        seen.summary()
    );
    rows(seen, &mut out);
    out
}

/// What needs a person comes first.
fn rows(seen: &Validation, out: &mut String) {
    for result in [Outcome::Failed, Outcome::Open, Outcome::Passed] {
        for c in seen.checks.iter().filter(|c| c.result == result) {
            let next = if c.next.is_empty() { String::new() } else { format!("`{}`", cell(&c.next)) };
            let evidence = cell(&c.evidence.join("; "));
            let _ = writeln!(out, "| {} | {} | {evidence} | {next} |", c.id, result.name());
        }
    }
}

/// Lines of the sign-off that no step fills.
pub(super) fn beyond_steps(r: &Report) -> String {
    let line = |l: &beyond::Line| {
        let (tick, result) = if l.passed { ("[x]", "passed") } else { ("[ ]", "open") };
        format!("| {tick} | {} | {result} | {} |\n", l.id, cell(&l.evidence))
    };
    beyond::lines(r).iter().map(line).collect()
}

/// Who signs, and what was found.
pub(super) fn findings(note: Option<&Note>) -> String {
    let mut out = "\n## Performed by\n\n".to_string();
    out += &match note {
        Some(note) => format!("{}, {}\n\n## Findings\n\n{}\n", note.by, timestamp(note.at), note.text),
        None => "Name:\n\n## Findings\n\nNone written: `podlift report note TEXT`\n".into(),
    };
    out
}
