//! `podlift backup`, `podlift backup list` and `podlift backup verify` as text.

#[cfg(test)]
mod tests;

use super::{timestamp, version};
use crate::out::Screen;
use crate::table::{Cell, Grid, wrapped};
use anstyle::AnsiColor;
use podlift_engine::view::{BackupCheck, BackupRow, Backups};
use std::fmt::Write as _;

pub(crate) fn list(seen: &Backups, screen: Screen) -> String {
    if seen.backups.is_empty() {
        return format!("No backup yet in {}: `podlift backup` makes one", seen.directory);
    }
    let mut grid = Grid::with_tail(&["NAME", "STATE", "MADE", "SIZE", "SECRETS", "ABOUT"]);
    for row in &seen.backups {
        let made = row.made_at.map_or("-".into(), timestamp);
        let size = if row.made_at.is_some() { bytes(row.bytes) } else { "-".into() };
        let state = Cell::coloured(&row.state, colour(&row.state));
        grid.row(vec![
            (&row.name).into(),
            state,
            made.into(),
            size.into(),
            secrets(row).into(),
            about(row).into(),
        ]);
    }
    grid.render(screen)
}

/// The result of a verification, with each problem.
pub(crate) fn check(seen: &BackupCheck, screen: Screen) -> String {
    let row = &seen.backup;
    let mut out = format!("Backup {} of cluster {}: {}\n", row.name, seen.cluster, outcome(seen));
    let mut line = |name: &str, value: String| {
        let _ = writeln!(out, "  {name:<10}{value}");
    };
    if let Some(at) = row.made_at {
        line("made", format!("{} by {}", timestamp(at), row.by));
        line("cluster", format!("ran {}", version(row.version)));
        line("members", format!("{}, {}", row.members, bytes(row.bytes)));
        line("secrets", if row.encrypted { "encrypted with age".into() } else { "left out".into() });
        line("etcd", row.revision.map_or("no snapshot".into(), |r| format!("snapshot of revision {r}")));
    }
    let known = if seen.journaled {
        "the journal has the same hash"
    } else {
        "only by its own seal: the journal has no record of it"
    };
    line("sealed", format!("{}, {known}", row.sha256.as_ref().map_or("-", |d| d.short())));
    line("path", format!("{}/{}", seen.directory.trim_end_matches('/'), row.name));
    for (title, lines) in [("Problems:", &seen.problems), ("Left out:", &row.left_out)] {
        if !lines.is_empty() {
            let _ =
                write!(out, "\n{title}\n{}", lines.iter().map(|l| format!("  {l}\n")).collect::<String>());
        }
    }
    wrapped(&out, screen)
}

fn outcome(seen: &BackupCheck) -> String {
    match seen.problems.len() {
        0 if seen.whole => "whole".into(),
        n => format!("not whole, {}", podlift_model::count(n, "problem")),
    }
}

fn colour(state: &str) -> Option<AnsiColor> {
    match state {
        "sealed" => Some(AnsiColor::Green),
        "unfinished" => Some(AnsiColor::Yellow),
        _ => Some(AnsiColor::Red),
    }
}

fn secrets(row: &BackupRow) -> &'static str {
    match (row.made_at.is_some(), row.encrypted) {
        (false, _) => "-",
        (true, true) => "encrypted",
        (true, false) => "left out",
    }
}

fn about(row: &BackupRow) -> String {
    if let Some(why) = &row.why {
        return why.clone();
    }
    let etcd = row.revision.map_or("no etcd snapshot".into(), |r| format!("etcd revision {r}"));
    let made = format!(
        "{}, {}, {etcd}, by {}",
        version(row.version),
        podlift_model::count(row.members, "member"),
        row.by
    );
    match row.left_out.len() {
        0 => made,
        n => format!(
            "{made}; {} left out: podlift backup verify {} shows which",
            podlift_model::count(n, "kind"),
            row.name
        ),
    }
}

/// `12.3 MiB`.
fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{count} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}
