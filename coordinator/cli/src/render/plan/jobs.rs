//! The jobs that a run interrupts, those with the most work at risk first.

use crate::out::Screen;
use crate::render::{jobs, numbers};
use crate::table::{Cell, Grid};
use anstyle::AnsiColor;
use podlift_engine::program::{JobRow, Program};
use podlift_model::{agree, count};

/// Jobs that are shown without -v.
const TOP: usize = 10;

pub(super) fn at_risk(plan: &Program, all: bool, screen: Screen) -> String {
    let mut rows: Vec<&JobRow> = plan.jobs.iter().collect();
    if rows.is_empty() {
        return String::new();
    }
    rows.sort_by(|a, b| b.gpu_hours_at_risk.total_cmp(&a.gpu_hours_at_risk).then_with(|| a.id.cmp(&b.id)));
    let cut = if all { rows.len() } else { rows.len().min(TOP) };
    let mut grid = Grid::with_tail(&["GPU-HOURS", "GPUS", "NODES", "TIMES", "JOB"]);
    for row in &rows[..cut] {
        // A job that is interrupted twice loses twice, so it is marked.
        let often = (row.times > 1).then_some(AnsiColor::Yellow);
        grid.row(vec![
            numbers::hours(row.gpu_hours_at_risk).into(),
            row.gpus.into(),
            row.nodes.len().into(),
            Cell::coloured(row.times, often),
            Cell::from(&row.id),
        ]);
    }
    let title = format!(
        "The run interrupts {} with at most {} to lose:",
        count(rows.len(), "job"),
        numbers::gpu_hours(sum(&rows)),
    );
    let namespaces = jobs::by_namespace(rows.iter().map(|row| (row.id.as_str(), row.gpu_hours_at_risk)));
    format!(
        "{title}\n{}\n{}GPU-hours by namespace: {namespaces}\n\n",
        grid.render(screen),
        more(&rows[cut..])
    )
}

fn sum(rows: &[&JobRow]) -> f64 {
    rows.iter().map(|row| row.gpu_hours_at_risk).sum()
}

fn more(rest: &[&JobRow]) -> String {
    let (jobs, hours) = (count(rest.len(), "more job"), numbers::gpu_hours(sum(rest)));
    match rest.len() {
        0 => String::new(),
        n => format!("{jobs} with {hours}; -v shows {}\n", agree(n, "it", "them")),
    }
}
