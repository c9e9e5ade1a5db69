//! `podlift status --slowest`: the nodes by the time that their lanes take, beside the usual time of nodes of their class, and the usual time
//! of nodes of their role.

use super::{duration, fleet};
use crate::out::Screen;
use crate::table::{Cell, Grid, wrapped};
use anstyle::AnsiColor;
use podlift_engine::NodeRole;
use podlift_engine::view::{NodeRow, Status};
use podlift_model::count;

/// The `most` slowest nodes, those that are still at work among them.
pub(crate) fn slowest(status: &Status, most: usize, screen: Screen) -> String {
    let mut timed: Vec<(f64, &NodeRow)> = status.nodes.iter().filter_map(|r| Some((r.seconds?, r))).collect();
    timed.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.name.cmp(&b.1.name)));
    if timed.is_empty() {
        return "No node of the run has begun yet, so none has a time.\n".into();
    }
    let mut grid = Grid::with_tail(&["NODE", "ROLE", "STATE", "TIME", "USUAL", "STEP"]);
    for (seconds, row) in timed.iter().take(most) {
        grid.row(vec![
            Cell::from(&row.name),
            Cell::from(row.role),
            Cell::coloured(&row.state, fleet::colour(&row.state)),
            time(*seconds, row.late),
            row.usual_seconds.map_or("-".into(), duration).into(),
            super::status::step(row).into(),
        ]);
    }
    let more = match timed.len().saturating_sub(most) {
        0 => String::new(),
        n => format!("and {n} more: podlift status --slowest {}\n", timed.len()),
    };
    wrapped(&format!("{}\n{more}\n{}", grid.render(screen), usual(&timed)), screen)
}

/// `41 m 00 s`, or `41 m 00 s, late` if the node takes much longer than nodes of its class. The word says it without colour, too.
fn time(seconds: f64, late: bool) -> Cell {
    match late {
        true => Cell::coloured(format!("{}, late", duration(seconds)), Some(AnsiColor::Yellow)),
        false => duration(seconds).into(),
    }
}

/// Median and p95 of the nodes that are upgraded, one line for each role.
fn usual(timed: &[(f64, &NodeRow)]) -> String {
    let roles = [(NodeRole::ControlPlane, "control-plane node"), (NodeRole::Worker, "worker")];
    roles.iter().map(|(role, name)| of_role(timed, *role, name)).collect()
}

fn of_role(timed: &[(f64, &NodeRow)], role: NodeRole, name: &str) -> String {
    let mut over: Vec<f64> = timed
        .iter()
        .filter(|(_, r)| r.role == role && r.state == "upgraded")
        .map(|(seconds, _)| *seconds)
        .collect();
    over.sort_by(f64::total_cmp);
    match (rank(&over, 50), rank(&over, 95)) {
        (Some(median), Some(p95)) => format!(
            "{}: median {}, p95 {}\n",
            count(over.len(), &format!("upgraded {name}")),
            duration(median),
            duration(p95)
        ),
        _ => format!("no upgraded {name} yet\n"),
    }
}

/// The value that so many percent of the sorted values do not exceed; `None` without values.
fn rank(sorted: &[f64], percent: usize) -> Option<f64> {
    let place = (sorted.len() * percent).div_ceil(100);
    sorted.get(place.max(1) - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rank_is_a_value_that_was_measured() {
        let values: Vec<f64> = (1..=20).map(f64::from).collect();
        assert_eq!((rank(&values, 50), rank(&values, 95)), (Some(10.0), Some(19.0)));
        assert_eq!((rank(&[7.0], 50), rank(&[7.0], 95), rank(&[], 50)), (Some(7.0), Some(7.0), None));
    }
}
