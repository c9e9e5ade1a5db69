//! `podlift status`: the run in a few lines, the fleet as a table.

use super::super::out::Screen;
use super::{length, moment, plan::trimmed};
use comfy_table::{Cell, Color};
use podlift_engine::view::{NodeRow, RunSummary, Status};
use std::fmt::Write as _;

pub(crate) fn status(status: &Status, only: Option<&str>, screen: Screen) -> String {
    let mut out = format!("Cluster {} at {}\n", status.cluster, moment(status.at));
    if let Some(why) = &status.read_only {
        let _ = writeln!(out, "Read-only: {why}");
    }
    match &status.run {
        Some(run) => out += &summary(run, status.at),
        None => out += "No run yet: `podlift plan --to VERSION` shows what one would do\n",
    }
    out += "\n";
    let mut table = screen.table(&["NODE", "ROLE", "STATE", "KUBELET", "API SERVER", "GUARD", "AGE", "STEP"]);
    for row in status.nodes.iter().filter(|r| only.is_none_or(|n| r.name.as_str() == n)) {
        table.add_row(cells(row));
    }
    out + &trimmed(&table) + "\n"
}

fn summary(run: &RunSummary, now: jiff::Timestamp) -> String {
    let until = run.ended.unwrap_or(now);
    let seconds = until.duration_since(run.started).as_secs_f64();
    let mut out = format!("Run {}: {}, {} to {}, by {}\n", run.run, run.status, run.from, run.to, run.by);
    let _ = write!(out, "  {} of {} steps in {}", run.steps_done, run.steps, length(seconds));
    if let Some(phase) = &run.phase {
        let _ = write!(out, ", now: {phase}");
    }
    let _ = writeln!(out, "; {} heals, {} ops with an unknown end", run.heals, run.indeterminate);
    if let Some(reason) = &run.paused {
        let _ = writeln!(out, "  paused: {}", reason.message);
        for line in reason.detail.lines() {
            let _ = writeln!(out, "    | {line}");
        }
        let _ = writeln!(out, "  next: {}", reason.next);
    }
    out
}

fn cells(row: &NodeRow) -> Vec<Cell> {
    let version = |v: Option<podlift_model::KubeVersion>| v.map_or("-".into(), |v| v.to_string());
    let age = match (row.connected, row.stale) {
        (true, false) => format!("{} s", row.age_seconds),
        (true, true) => format!("{} s, stale", row.age_seconds),
        (false, _) => "gone".into(),
    };
    let step = match (&row.step, &row.reason) {
        (Some(step), Some(reason)) => format!("{step}: {reason}"),
        (Some(step), None) => step.clone(),
        (None, Some(reason)) => reason.clone(),
        (None, None) => String::new(),
    };
    vec![
        Cell::new(&row.name),
        Cell::new(row.role),
        coloured(&row.state),
        Cell::new(version(row.kubelet)),
        Cell::new(version(row.api_server)),
        Cell::new(&row.guard),
        if row.stale { Cell::new(age).fg(Color::Yellow) } else { Cell::new(age) },
        Cell::new(step),
    ]
}

fn coloured(state: &str) -> Cell {
    let cell = Cell::new(state);
    match state {
        "upgraded" => cell.fg(Color::Green),
        "failed" => cell.fg(Color::Red),
        "waiting" | "deferred" => cell.fg(Color::Yellow),
        "working" => cell.fg(Color::Cyan),
        _ => cell,
    }
}
