//! The comparison as a table for a terminal.

use crate::outcome::{Comparison, Outcome};

const HEAD: [&str; 7] = [
    "order",
    "GPU-hours lost",
    "unavoidable",
    "hours an upgrade",
    "jobs interrupted",
    "more than once",
    "nodes not taken",
];

/// One row for each way, and a line about the trace above it.
pub fn render_table(comparison: &Comparison) -> String {
    let mut rows = vec![HEAD.map(String::from)];
    rows.extend(comparison.outcomes.iter().map(row));
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..HEAD.len()).map(width).collect();
    let line = |row: &[String; 7]| {
        let cells = row.iter().zip(&widths).enumerate();
        let cell = |(at, (text, width)): (usize, (&String, &usize))| match at {
            0 => format!("{text:<width$}"),
            _ => format!("{text:>width$}"),
        };
        cells.map(cell).collect::<Vec<_>>().join("  ") + "\n"
    };
    rows.iter().fold(subject(comparison) + "\n\n", |text, row| text + &line(row))
}

/// What was played.
pub(crate) fn subject(comparison: &Comparison) -> String {
    let upgrades = comparison.outcomes.first().map_or(0, |outcome| outcome.upgrades.len());
    format!(
        "{} upgrades of {} nodes with {} GPUs, {} jobs in {:.0} days, at most {} nodes unavailable",
        upgrades,
        comparison.nodes,
        comparison.gpus,
        comparison.jobs,
        comparison.days,
        comparison.max_unavailable
    )
}

fn row(outcome: &Outcome) -> [String; 7] {
    let not_taken: usize = outcome.upgrades.iter().map(|upgrade| upgrade.nodes_not_taken).sum();
    [
        outcome.way.title().into(),
        format!("{:.1}", outcome.gpu_hours_lost),
        format!("{:.1}", outcome.gpu_hours_unavoidable),
        format!("{:.1}", outcome.wall_hours),
        outcome.jobs_interrupted.to_string(),
        outcome.jobs_interrupted_again.to_string(),
        not_taken.to_string(),
    ]
}
