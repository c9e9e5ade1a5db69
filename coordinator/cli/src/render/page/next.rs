//! What a person should look at: whatever has no evidence, has failed, or was found and not repaired.

use maud::{Markup, html};
use podlift_engine::program::Severity;
use podlift_engine::validate::Outcome;
use podlift_engine::view::{IssueRow, Report};

/// Maximum number of lines. The rest is counted, because a list that nobody reads to its end hides what matters.
const SHOWN: usize = 12;

pub(super) struct Line {
    what: String,
    next: String,
}

pub(super) fn next(r: &Report) -> Markup {
    let all = lines(r);
    html! {
        section {
            h2 { "What to look at next" }
            @if all.is_empty() { p { "Nothing: every line of the sign-off has its evidence." } }
            @else {
                ul {
                    @for line in all.iter().take(SHOWN) {
                        li { (line.what) @if !line.next.is_empty() { ": " code { (line.next) } } }
                    }
                }
                @if all.len() > SHOWN { p { (all.len() - SHOWN) " more are in the lists below." } }
            }
        }
    }
}

/// The most urgent first.
pub(super) fn lines(r: &Report) -> Vec<Line> {
    let line = |what: String, next: &str| Line { what, next: next.into() };
    let failed = r.failed.iter().map(|n| line(format!("{} failed at {}", n.name, n.step), &n.reason.next));
    let different = r.differences.iter().flatten().map(|f| line(f.evidence.clone(), &f.next));
    let checks = r
        .checks
        .iter()
        .filter(|c| c.result == "failed")
        .map(|c| line(format!("{}: {}", c.id, c.evidence), ""));
    let validated = r.validation.iter().flat_map(|v| &v.checks).filter(|c| c.result != Outcome::Passed);
    let validated = validated.map(|c| {
        let why = c.evidence.first().map_or("", String::as_str);
        line(
            format!(
                "check {} {}: {why}",
                c.id,
                if c.result == Outcome::Failed { "failed" } else { "is open" }
            ),
            &c.next,
        )
    });
    let unrepaired = r.issues.iter().filter(|row| row.done.is_none());
    let unrepaired = unrepaired.map(|row| line(format!("{}: {}", row.object, row.what), ""));
    // The plan's finding of an issue that the run has repaired since is history.
    let repaired = |next: &str| {
        let of = |row: &IssueRow| next.contains(&format!("--issue {}", row.issue));
        r.issues.iter().any(|row| row.done.is_some() && of(row))
    };
    let found = r.findings.iter().filter(|f| f.severity != Severity::Note && !repaired(&f.next));
    let is_found = |id: &str| found.clone().any(|f| f.check == "attestations" && f.evidence.contains(id));
    let found = found.clone().map(|f| line(format!("{}: {}", f.check, f.evidence), &f.next));
    // The line of the validation only counts the checks that stand above.
    let named = validated.clone().next().is_some();
    let open = r.checks.iter().filter(|c| c.result == "open" && !(named && c.id == "validated"));
    let open = open.map(|c| line(format!("{} is open: {}", c.id, c.evidence), ""));
    // Whatever is attested after the end of a run counts for the next one.
    let command = |id: &str| {
        if r.ended_at.is_none() { format!("podlift attest {id} --note WHY") } else { String::new() }
    };
    let unsaid = r
        .unattested
        .iter()
        .filter(|id| !is_found(id))
        .map(|id| line(format!("nobody has attested {id}"), &command(id)));
    failed
        .chain(unrepaired)
        .chain(different)
        .chain(checks)
        .chain(validated)
        .chain(open)
        .chain(unsaid)
        .chain(found)
        .collect()
}
