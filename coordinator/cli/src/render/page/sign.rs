//! The page to sign: what has evidence is ticked, and nothing else.

use crate::render::{beyond, timestamp};
use maud::{Markup, html};
use podlift_engine::view::Report;

pub(super) fn sign(r: &Report) -> Markup {
    html! {
        section.sign {
            h2 { "Sign-off" }
            table {
                thead { tr { th scope="col" { "met" } th scope="col" { "line" } th scope="col" { "evidence" } } }
                tbody {
                    @for check in &r.checks {
                        tr class=(check.result) {
                            td { (mark(&check.result)) }
                            th scope="row" { (check.id) }
                            td { (check.evidence) }
                        }
                    }
                    @for line in beyond::lines(r) {
                        tr class=(if line.passed { "passed" } else { "open" }) {
                            td { (mark(if line.passed { "passed" } else { "open" })) }
                            th scope="row" { (line.id) }
                            td { (line.evidence) }
                        }
                    }
                    @for id in &r.unattested {
                        tr.open { td { (mark("open")) } th scope="row" { (id) } td {
                            "Nobody attested it during the run."
                            @if r.ended_at.is_none() { " " code { (format!("podlift attest {id} --note WHY")) } }
                        } }
                    }
                }
            }
            div.fields {
                label { "Performed by" input type="text" name="performed-by" autocomplete="name" value=[r.note.as_ref().map(|n| &n.by)]; }
                label { "Date" input type="text" name="date" value=[r.note.as_ref().map(|n| timestamp(n.at))]; }
                label.wide { "Findings" textarea name="findings" rows="4" { @if let Some(note) = &r.note { (note.text) } } }
            }
        }
    }
}

/// A word besides the sign, for readers and for black and white.
fn mark(result: &str) -> Markup {
    match result {
        "passed" => html! { span.tick { "☑ passed" } },
        "failed" => html! { span.cross { "☒ failed" } },
        _ => html! { span.box { "☐ open" } },
    }
}
