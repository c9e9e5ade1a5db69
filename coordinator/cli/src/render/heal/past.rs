//! `podlift heal history` and `diff`: heals of the journal, and the lines that they changed.

use crate::out::Screen;
use crate::render::timestamp;
use crate::table::{Cell, Grid, paint};
use anstyle::AnsiColor;
use podlift_engine::view::{Heal, HealRecord};
use std::fmt::Write as _;

pub(crate) fn history(seen: &Heal, screen: Screen) -> String {
    if seen.history.is_empty() {
        return "No heal is in the journal".into();
    }
    let mut grid = Grid::with_tail(&["AT", "NODE", "FILE", "TOOK", "ID", "RULES"]);
    for r in &seen.history {
        let run = r.run.as_ref().map_or("steady watch".into(), |run| format!("run {run}"));
        let h = &r.heal;
        grid.row(vec![
            timestamp(h.at).into(),
            Cell::from(&h.node),
            Cell::from(&h.file),
            format!("{} µs", h.latency_us).into(),
            Cell::from(&h.id),
            format!("{} ({run})", h.rules.join(", ")).into(),
        ]);
    }
    let mut out = grid.render(screen);
    let more = seen.heals.saturating_sub(seen.history.len() as u64);
    if more > 0 {
        let _ = write!(out, "\n{more} older ones: podlift heal history --last {}", seen.heals);
    }
    out
}

pub(crate) fn diff(seen: &Heal, screen: Screen) -> String {
    if seen.history.is_empty() {
        return "No such heal is in the journal".into();
    }
    seen.history.iter().map(|r| one(r, screen)).collect::<Vec<_>>().join("\n")
}

/// In the form of `diff -u`. Long lines are left to the terminal, because a wrapped diff can't be read.
fn one(r: &HealRecord, screen: Screen) -> String {
    let h = &r.heal;
    let mut out = format!("{} {} ({})\n", timestamp(h.at), h.node, h.rules.join(", "));
    let _ = write!(out, "--- {} {}\n+++ {} {}\n", h.file, h.before.short(), h.file, h.after.short());
    for line in h.diff.lines() {
        let colour = match line.chars().next() {
            Some('-') => Some(AnsiColor::Red),
            Some('+') => Some(AnsiColor::Green),
            Some('@') => Some(AnsiColor::Cyan),
            _ => None,
        };
        match colour.filter(|_| screen.colour) {
            Some(colour) => drop(writeln!(out, "{}", paint(colour, line))),
            None => drop(writeln!(out, "{line}")),
        }
    }
    out
}
