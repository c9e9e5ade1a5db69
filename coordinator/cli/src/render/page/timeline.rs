//! When each node was worked on, as a picture: a row a node, or a row for several nodes of a large fleet.

use crate::render::folded::within;
use crate::render::{duration, time_of_day};
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};
use podlift_engine::view::Report;
use podlift_engine::view::report::{NodeReport, PhaseReport};

/// Maximum number of rows.
pub(super) const ROWS: usize = 60;
/// Number of colours in the style sheet.
const COLOURS: usize = 8;
/// Units of the picture: width of the names and of the time, height of a row and of the scale.
const NAMES: f64 = 190.0;
const WIDTH: f64 = 760.0;
const ROW: f64 = 16.0;
const SCALE: f64 = 22.0;
/// Marks on the scale.
const TICKS: u32 = 6;
/// Characters of a name.
const LONGEST: usize = 26;

struct Span {
    from: Timestamp,
    seconds: f64,
}

pub(super) fn timeline(r: &Report) -> Markup {
    let rows = rows(&r.nodes);
    if rows.is_empty() {
        return html! {};
    }
    let phases = phases(r);
    let end = r.ended_at.unwrap_or_else(|| last(r));
    let length = end.duration_since(r.started_at).as_secs_f64().max(1.0);
    let height = SCALE + ROW * rows.len() as f64 + 4.0;
    let x = |at: Timestamp| {
        NAMES + WIDTH * (at.duration_since(r.started_at).as_secs_f64() / length).clamp(0.0, 1.0)
    };
    let wide = |seconds: f64| (WIDTH * seconds / length).max(1.5);
    html! {
        section {
            h2 { "When" }
            p.legend aria-hidden="true" {
                @for (i, phase) in phases.iter().enumerate() { span { i class={ "c" (i % COLOURS) } {} (phase) } }
                @if !r.heals.is_empty() { span { i.heal {} "repaired by the agent" } }
            }
            div.scroll tabindex="0" role="region" aria-label="Timeline" {
            svg viewBox={ "0 0 " (NAMES + WIDTH + 10.0) " " (height) } role="img" aria-labelledby="when-title when-text" {
                title id="when-title" { "Phases of each node over time" }
                desc id="when-text" { "From " (time_of_day(r.started_at)) " to " (time_of_day(end)) ". The table of nodes has the same times as text." }
                @for tick in 0..=TICKS {
                    @let at = r.started_at + SignedDuration::from_secs_f64(length * f64::from(tick) / f64::from(TICKS));
                    line.tick x1=(short(x(at))) x2=(short(x(at))) y1=(SCALE - 4.0) y2=(height) {}
                    text.scale x=(short(x(at))) y="12" text-anchor=(anchor(tick)) { (at.strftime("%H:%M").to_string()) }
                }
                @for (i, row) in rows.iter().enumerate() {
                    @let y = SCALE + ROW * i as f64;
                    text.name x="0" y=(y + 11.0) { (label(row)) }
                    @for (p, phase) in phases.iter().enumerate() {
                        @if let Some(span) = span(row, phase) {
                            rect class={ "c" (p % COLOURS) } x=(short(x(span.from))) y=(y + 2.0) width=(short(wide(span.seconds))) height=(ROW - 4.0) rx="1" {
                                title { (phase) ", " (time_of_day(span.from)) ", " (duration(span.seconds)) }
                            }
                        }
                    }
                    @for heal in r.heals.iter().filter(|h| row.iter().any(|n| n.name == h.node)) {
                        circle.heal cx=(short(x(heal.at))) cy=(y + ROW / 2.0) r="4" { title { (heal.rule) ", " (time_of_day(heal.at)) } }
                    }
                }
            }
            }
        }
    }
}

/// Nodes in the order in which they began, those of one role together; so many of them in a row that a large fleet fits.
fn rows(nodes: &[NodeReport]) -> Vec<Vec<&NodeReport>> {
    let mut begun: Vec<&NodeReport> = nodes.iter().filter(|n| !n.phases.is_empty()).collect();
    begun.sort_by_key(|n| (n.role, n.phases.iter().map(|p| p.started_at).max(), n.name.clone()));
    let each = begun.len().div_ceil(ROWS - 1).max(1);
    begun.chunk_by(|a, b| a.role == b.role).flat_map(|role| role.chunks(each)).map(<[_]>::to_vec).collect()
}

/// Phases in the order in which they began.
fn phases(r: &Report) -> Vec<&str> {
    let mut all: Vec<&PhaseReport> = r.nodes.iter().flat_map(|n| &n.phases).collect();
    all.sort_by_key(|p| p.started_at);
    let mut out: Vec<&str> = vec![];
    for phase in all {
        if !out.contains(&phase.name.as_str()) {
            out.push(&phase.name);
        }
    }
    out
}

fn span(row: &[&NodeReport], phase: &str) -> Option<Span> {
    let of = || row.iter().flat_map(|n| &n.phases).filter(|p| p.name == phase);
    let from = of().map(|p| p.started_at).min()?;
    let to = of().map(ended).max()?;
    Some(Span { from, seconds: to.duration_since(from).as_secs_f64() })
}

fn ended(phase: &PhaseReport) -> Timestamp {
    phase.started_at + SignedDuration::from_secs_f64(phase.seconds)
}

/// The end of what has been done so far.
fn last(r: &Report) -> Timestamp {
    r.nodes.iter().flat_map(|n| &n.phases).map(ended).max().unwrap_or(r.started_at)
}

fn label(row: &[&NodeReport]) -> String {
    within(row.iter().map(|n| &n.name), LONGEST)
}

fn anchor(tick: u32) -> &'static str {
    match tick {
        0 => "start",
        TICKS => "end",
        _ => "middle",
    }
}

/// A coordinate with one decimal.
fn short(of: f64) -> String {
    format!("{of:.1}")
}
