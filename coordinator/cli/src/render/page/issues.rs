//! The known issues that the run met, and the validation at its end.

use crate::render::event::issues::writer;
use crate::render::timestamp;
use maud::{Markup, html};
use podlift_engine::validate::{Checked, Outcome};
use podlift_engine::view::Report;

pub(super) fn issues(r: &Report) -> Markup {
    html! {
        @if !r.issues.is_empty() {
            section {
                h2 { "Known issues" }
                table {
                    thead { tr { th scope="col" { "issue" } th scope="col" { "object" } th scope="col" { "what" } th scope="col" { "since, last writer" } th scope="col" { "what was done" } } }
                    tbody {
                        @for row in &r.issues {
                            tr {
                                th.line scope="row" { (row.issue) }
                                td { (row.object) }
                                td { (row.what) }
                                td {
                                    span.line { (row.since.map_or("not known".into(), timestamp)) }
                                    @if let Some(by) = &row.by { br; (writer(by)) }
                                }
                                td {
                                    @match &row.done { Some(done) => (done), None => "nothing" }
                                    @if let Some(when) = row.when { ", at " (timestamp(when)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

pub(super) fn validation(r: &Report) -> Markup {
    html! {
        section {
            h2 { "Validation" }
            @match &r.validation {
                None => p { "The cluster was not validated in this run." },
                Some(seen) => {
                    p { "At " (timestamp(seen.at)) ": " (seen.summary()) "." }
                    table {
                        thead { tr { th scope="col" { "result" } th scope="col" { "check" } th scope="col" { "evidence" } } }
                        tbody { @for check in sorted(&seen.checks) { (row(check)) } }
                    }
                }
            }
        }
    }
}

/// What needs a person comes first.
fn sorted(all: &[Checked]) -> impl Iterator<Item = &Checked> {
    let of = move |result| all.iter().filter(move |c| c.result == result);
    [Outcome::Failed, Outcome::Open, Outcome::Passed].into_iter().flat_map(of)
}

fn row(check: &Checked) -> Markup {
    html! {
        tr {
            td { @match check.result {
                Outcome::Passed => span.tick { "☑ passed" },
                Outcome::Failed => span.cross { "☒ failed" },
                Outcome::Open => span.box { "☐ open" },
            } }
            th scope="row" { (check.id) }
            td {
                @for (n, line) in check.evidence.iter().enumerate() { @if n > 0 { br; } (line) }
                @if !check.next.is_empty() { br; "Next: " code { (check.next) } }
            }
        }
    }
}
