//! `podlift report -o html`: one file that a person reads and signs. It loads nothing and runs no script, so it can be mailed and archived.

mod api;
mod issues;
mod lists;
mod next;
mod nodes;
mod sign;
mod story;
mod timeline;
mod work;

#[cfg(test)]
mod tests;

use super::timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use podlift_engine::program::{GoalName, StopReason};
use podlift_engine::view::Report;

const STYLE: &str = include_str!("style.css");

pub(crate) fn page(r: &Report) -> String {
    let title = title(r);
    let whole = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                // The browser asks for an icon otherwise.
                link rel="icon" href="data:,";
                title { (title) " · podlift" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { (title) }
                    p.meta { "Run " code { (r.run) } ", started by " (r.by) " at " (timestamp(r.started_at)) "." }
                }
                main { (body(r)) }
                footer { "From the journal of run " (r.run) ", " (podlift_model::count(r.journal_events, "event")) ". All times are UTC." }
            }
        }
    };
    whole.into_string()
}

fn body(r: &Report) -> Markup {
    html! {
        (story::story(r))
        (stopped(r.paused.as_ref()))
        (next::next(r))
        (issues::issues(r))
        (timeline::timeline(r))
        (nodes::summary(r))
        (api::api(r))
        (issues::validation(r))
        (work::work(r))
        (nodes::nodes(r))
        (lists::lists(r))
        (sign::sign(r))
    }
}

fn title(r: &Report) -> String {
    match r.goal {
        GoalName::Upgrade => format!("Upgrade {} to {}: {}", r.from, r.to, r.result),
        GoalName::Repair => format!("Repair at {}: {}", r.to, r.result),
    }
}

fn stopped(stop: Option<&StopReason>) -> Markup {
    html! {
        @if let Some(stop) = stop {
            section.stop aria-label="Why the run is paused" {
                h2 { "Paused" }
                p { (stop.message) }
                @if !stop.next.is_empty() { p { "Next: " code { (stop.next) } } }
                @if !stop.detail.is_empty() { pre tabindex="0" { (stop.detail) } }
            }
        }
    }
}

/// A section with a heading; nothing where there is nothing to say.
fn section(title: &str, rows: &[Markup]) -> Markup {
    html! {
        @if !rows.is_empty() {
            section { h2 { (title) } ul { @for row in rows { li { (row) } } } }
        }
    }
}
