//! `podlift runs`: one row for each run.

use super::{duration, timestamp};
use crate::out::Screen;
use crate::table::{Cell, Grid};
use anstyle::AnsiColor;
use podlift_engine::program::GoalName;
use podlift_engine::view::{ArchivedRow, RunRow, Runs};

pub(crate) fn runs(runs: &Runs, screen: Screen) -> String {
    if runs.runs.is_empty() {
        return "No run yet: `podlift plan --to VERSION` shows what one would do".into();
    }
    let mut grid = Grid::with_tail(&["RUN", "STATUS", "FROM", "TO", "TOOK", "STEPS", "HEALS", "ABOUT"]);
    for run in &runs.runs {
        grid.row(cells(run));
    }
    let archived: Vec<String> = runs.archived.iter().map(archived).collect();
    [vec![grid.render(screen)], archived].concat().join("\n")
}

/// Shown below the table: of an archived run the journal has no plan and no steps.
fn archived(row: &ArchivedRow) -> String {
    let (run, started) = (&row.run, timestamp(row.run.started));
    format!("archived: {} {}, started {started} by {}, in {}", run.run, run.status, run.by, row.file)
}

fn cells(run: &RunRow) -> Vec<Cell> {
    let s = &run.summary;
    let colour = match s.status.as_str() {
        "succeeded" => Some(AnsiColor::Green),
        "running" => Some(AnsiColor::Cyan),
        "aborted" => Some(AnsiColor::Red),
        _ => Some(AnsiColor::Yellow),
    };
    vec![
        Cell::from(&s.run),
        Cell::coloured(&s.status, colour),
        s.from.into(),
        s.to.into(),
        duration(run.seconds).into(),
        format!("{}/{}", s.steps_done, s.steps).into(),
        s.heals.into(),
        about(run).into(),
    ]
}

fn about(run: &RunRow) -> String {
    let nodes = podlift_model::count(run.nodes, "node");
    let started = format!("started {} by {}, {nodes}", timestamp(run.summary.started), run.summary.by);
    let started = match run.summary.goal {
        GoalName::Upgrade => started,
        GoalName::Repair => format!("repair, {started}"),
    };
    if run.deferred > 0 { format!("{started}, {} of them left out", run.deferred) } else { started }
}
