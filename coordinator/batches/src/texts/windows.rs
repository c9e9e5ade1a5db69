//! What is said about windows that are closed.

use super::{age, list};
use crate::board::Board;
use crate::units::Unit;
use crate::windows::Opening;

/// The windows of every unit are closed. What does not open again is named only if nothing else does.
pub(crate) fn all_closed(board: &Board) -> String {
    if board.opens().is_some() {
        return "no window is open in which a lane still ends".into();
    }
    let why = board.openings.iter().map(|(calendars, opening)| closed(board, calendars, *opening));
    why.collect::<Vec<_>>().join("; ")
}

/// Why nodes with these calendars do not begin.
pub(crate) fn closed(board: &Board, calendars: &[usize], opening: Opening) -> String {
    let (of, table) = (of(board, calendars), table(calendars));
    match opening {
        Opening::Open => "a window is open".into(),
        Opening::From(_) if calendars.len() > 1 => {
            format!(
                "the windows{of} are not open together, as nodes that go together need it, for as long as a lane takes"
            )
        }
        Opening::From(_) => format!("no window{of} is open in which a lane still ends"),
        Opening::TooShort => format!(
            "no window{of} to come is as long as a lane, which is expected to take {}: windows in {table} of policy.toml",
            age(board.scene.lane_seconds)
        ),
        Opening::Never | Opening::Apart => {
            format!("no window{of} opens again: windows in {table} of policy.toml")
        }
    }
}

/// A gang keeps nodes together whose windows are never open together.
pub(crate) fn apart(board: &Board, unit: &Unit) -> String {
    let tasks = unit.tasks.iter().map(|at| &board.field.tasks[*at]).filter(|task| task.joins());
    format!(
        "{} keeps nodes together, but the windows{} are never open together for as long as a lane takes, so the policy leaves its nodes out",
        list(&tasks.map(|task| &task.job.id).collect::<Vec<_>>()),
        of(board, &unit.calendars)
    )
}

/// ` of group x and the other workers`; empty for the windows of the policy alone.
fn of(board: &Board, calendars: &[usize]) -> String {
    let name = |at: &usize| match at.checked_sub(1) {
        Some(group) => format!("group {}", board.scene.policy.groups[group].name),
        None => "the other workers".into(),
    };
    // The windows of the policy are named last.
    let groups = calendars.iter().filter(|at| **at > 0).chain(calendars.iter().filter(|at| **at == 0));
    match calendars {
        [0] => String::new(),
        _ => format!(" of {}", list(&groups.map(name).collect::<Vec<_>>())),
    }
}

fn table(calendars: &[usize]) -> &'static str {
    if calendars == [0] { "[rollout]" } else { "[[rollout.groups]]" }
}
