//! `podlift status`: the run in a few lines, then the fleet as a table, with the nodes that need a person first.

pub(crate) mod course;
mod run;
mod sentinel;

use super::{aim, duration, fleet, reads, timestamp, version};
use crate::out::Screen;
use crate::table::{Cell, Grid, paint, wrapped};
use anstyle::AnsiColor;
use podlift_engine::view::{NodeRow, RunSummary, Status};
use std::fmt::Write as _;

const BAR: usize = 24;
/// Rows that are shown on the smallest screen.
const LEAST: usize = 5;

/// How much of the fleet is shown.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Shown {
    /// With additional columns.
    pub wide: bool,
    /// Every row, even if the screen is too small.
    pub all: bool,
}

pub(crate) fn status(status: &Status, shown: Shown, screen: Screen) -> String {
    let mut out = wrapped(&head(status, screen), screen);
    let mut rows: Vec<&NodeRow> = status.nodes.iter().collect();
    fleet::attention(&mut rows);
    let blocks = grid(&rows, shown).blocks(screen);
    let above = out.lines().count();
    let budget = match screen.height.filter(|_| !shown.all) {
        // Two lines stay free: for the line about omitted rows, and for the next prompt.
        Some(height) => usize::from(height).saturating_sub(above + 2),
        None => usize::MAX,
    };
    let (kept, lines) = kept(&blocks, budget);
    out += &lines.join("\n");
    out += "\n";
    if kept < rows.len() {
        let rest = &rows[kept..];
        let states = fleet::counted(rest.iter().copied());
        let _ = writeln!(out, "and {} more ({states}): podlift status --all", rest.len());
    }
    out
}

/// The number of rows whose blocks fit into the budget of lines, and these lines.
fn kept(blocks: &[Vec<String>], budget: usize) -> (usize, Vec<&str>) {
    let mut lines: Vec<&str> = Vec::new();
    let whole = blocks.iter().map(Vec::len).sum::<usize>() <= budget.saturating_add(1);
    for (i, block) in blocks.iter().enumerate() {
        if !whole && i > LEAST && lines.len() + block.len() > budget {
            return (i - 1, lines);
        }
        lines.extend(block.iter().map(String::as_str));
    }
    (blocks.len() - 1, lines)
}

fn head(status: &Status, screen: Screen) -> String {
    let mut out = format!("Cluster {} at {}\n", status.cluster, timestamp(status.at));
    if let Some(why) = &status.read_only {
        let _ = writeln!(out, "Read-only: {why}");
    }
    match &status.run {
        Some(run) => {
            out += &summary(run, status);
            out += &run::progress(run, &status.nodes);
        }
        None => out += "No run yet: `podlift plan --to VERSION` shows what one would do\n",
    }
    out += &sentinel::text(status);
    if let Some(s) = &status.selection {
        let _ =
            writeln!(out, "Selector {}: {} of {}", s.selector, s.matched, podlift_model::count(s.of, "node"));
    }
    if !status.nodes.is_empty() {
        let _ = writeln!(out, "\n{}  [{}]", fleet::sentence(&status.nodes), bar(&status.nodes, screen));
    }
    out + "\n"
}

fn bar(rows: &[NodeRow], screen: Screen) -> String {
    let part = |(state, n): (&'static str, usize)| {
        let text = fleet::symbol(state).to_string().repeat(n);
        match fleet::colour(state).filter(|_| screen.colour) {
            Some(colour) => paint(colour, &text),
            None => text,
        }
    };
    fleet::bar(rows, BAR).into_iter().map(part).collect()
}

fn summary(run: &RunSummary, status: &Status) -> String {
    let until = run.ended.unwrap_or(status.at);
    let seconds = until.duration_since(run.started).as_secs_f64();
    let mut out =
        format!("Run {}: {}, {}, by {}\n", run.run, run.status, aim(run.goal, run.from, run.to), run.by);
    let _ = write!(
        out,
        "  {} of {} in {}",
        run.steps_done,
        podlift_model::count(run.steps, "step"),
        duration(seconds)
    );
    if let Some(phase) = &run.phase {
        let _ = write!(out, ", now: {phase}");
    }
    let (heals, open) =
        (podlift_model::count(run.heals, "heal"), podlift_model::count(run.indeterminate, "op"));
    let _ = writeln!(out, "; {heals}, {open} with an unknown end");
    out += &course::text(run, status.eta.as_ref(), status.at);
    for (endpoint, counts) in run.reads.iter().filter(|(_, counts)| counts.failed > 0) {
        let _ = writeln!(out, "  API server {endpoint}: {}", reads(counts));
    }
    if let Some(reason) = &run.paused {
        let _ = writeln!(out, "  paused: {}", reason.message);
        for line in reason.detail.lines() {
            let _ = writeln!(out, "    | {line}");
        }
        let _ = writeln!(out, "  next: {}", reason.next);
    }
    out
}

fn grid(rows: &[&NodeRow], shown: Shown) -> Grid {
    let mut header = vec!["NODE", "ROLE", "STATE", "KUBELET", "API SERVER", "GUARD", "AGE"];
    if shown.wide {
        header.extend(["KUBEADM", "AGENT", "FREE"]);
    }
    header.push("STEP");
    let mut grid = Grid::with_tail(&header);
    for row in rows {
        let mut cells = columns(row);
        if shown.wide {
            cells.extend([
                version(row.kubeadm).into(),
                Cell::from(&row.agent),
                format!("{} GiB", row.free_bytes >> 30).into(),
            ]);
        }
        cells.push(step(row).into());
        grid.row(cells);
    }
    grid
}

fn columns(row: &NodeRow) -> Vec<Cell> {
    vec![
        Cell::from(&row.name),
        Cell::from(row.role),
        Cell::coloured(&row.state, fleet::colour(&row.state)),
        version(row.kubelet).into(),
        version(row.api_server).into(),
        Cell::from(&row.guard),
        age(row),
    ]
}

/// Marks old facts by a word and by colour, so that colour is not needed.
pub(crate) fn age(row: &NodeRow) -> Cell {
    let old = duration(row.age_seconds as f64);
    match (row.connected, row.stale) {
        (true, false) => old.into(),
        (true, true) => Cell::coloured(format!("{old}, stale"), Some(AnsiColor::Yellow)),
        (false, _) => Cell::coloured(format!("{old}, gone"), Some(AnsiColor::Yellow)),
    }
}

pub(crate) fn step(row: &NodeRow) -> String {
    match (&row.step, &row.reason) {
        (Some(step), Some(reason)) => format!("{step}: {reason}"),
        (Some(step), None) => step.clone(),
        (None, Some(reason)) => reason.clone(),
        (None, None) => String::new(),
    }
}
