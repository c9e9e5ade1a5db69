//! The sentences that explain a decision. They hold no number that changes while the reason stays the same.

mod canary;
mod windows;

pub(crate) use canary::canaries;
pub(crate) use windows::all_closed;

use crate::board::{Board, Moment};
use crate::field::{Past, Task};
use crate::held::Held;
use crate::order::Class;
use crate::pick::Pick;
use crate::units::Unit;
use crate::{Order, Take};
use podlift_model::{NodeName, count};
use std::collections::BTreeSet;

/// How many names a sentence lists before it counts the others.
const NAMES: usize = 4;

/// `a, b, c, d and 3 others`.
pub(crate) fn list<T: ToString>(names: &[T]) -> String {
    let shown: Vec<String> = names.iter().take(NAMES).map(T::to_string).collect();
    match (names.len().saturating_sub(NAMES), shown.split_last()) {
        (_, None) => String::new(),
        (0, Some((last, []))) => last.clone(),
        (0, Some((last, others))) => format!("{} and {last}", others.join(", ")),
        (more, Some(_)) => format!("{} and {}", shown.join(", "), count(more, "other")),
    }
}

fn age(seconds: u64) -> String {
    match (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60) {
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

/// Why these nodes are next.
pub(crate) fn batch(board: &Board, picks: &[Pick], moment: Moment) -> String {
    let mut parts = by_loss(board, picks);
    parts.extend(by_name(board, picks));
    parts.extend(gangs(board, picks));
    parts.extend(shrinks(board, picks));
    parts.extend(canary::first(board, picks));
    let mut text = parts.join("; ");
    if let Some(most) = board.growth(moment) {
        text += &format!("; batches grow, and this one has room for {}", count(most, "node"));
    }
    text
}

fn by_name(board: &Board, picks: &[Pick]) -> Option<String> {
    let mine = picks.iter().filter(|pick| board.units[pick.unit].order == Order::AsPlanned);
    let nodes: usize = mine.map(|pick| pick.nodes.len()).sum();
    (nodes > 0).then(|| format!("{}, next by name", count(nodes, "node")))
}

fn by_loss(board: &Board, picks: &[Pick]) -> Vec<String> {
    let of = |class: Class| {
        let unit = |pick: &Pick| &board.units[pick.unit];
        let by_loss = |pick: &&Pick| unit(pick).order == Order::LeastLoss;
        let mine = |pick: &&Pick| by_loss(pick) && Class::of(&board.field, unit(pick)) == class;
        picks.iter().filter(mine).map(|pick| pick.nodes.len()).sum::<usize>()
    };
    let part = |class: Class, what: &str| {
        let nodes = of(class);
        (nodes > 0).then(|| format!("{} {what}", count(nodes, "node")))
    };
    [
        part(Class::Remnant, "of gangs that this run has interrupted already"),
        part(Class::Idle, "without a job"),
        part(Class::Preemptible, "with preemptible jobs only"),
        part(Class::Busy, "with the least to lose"),
        part(Class::Again, "with jobs that this run has interrupted before, as the last ones"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The gangs that hold the nodes of a batch together.
fn gangs(board: &Board, picks: &[Pick]) -> Option<String> {
    let joined = |pick: &&Pick| board.units[pick.unit].nodes.len() > 1;
    let tasks = picks.iter().filter(joined).flat_map(|pick| {
        let here = move |at: &&usize| board.field.tasks[**at].nodes.iter().any(|n| pick.nodes.contains(n));
        board.units[pick.unit].tasks.iter().filter(here)
    });
    let names: Vec<&str> =
        tasks.map(|at| &board.field.tasks[*at]).filter(|t| t.joins()).map(|t| t.job.id.as_str()).collect();
    (!names.is_empty()).then(|| format!("the nodes of a gang go together: {}", list(&names)))
}

/// The elastic gangs that lose pods with a batch.
fn shrinks(board: &Board, picks: &[Pick]) -> Option<String> {
    let nodes = picks.iter().flat_map(|pick| &pick.nodes);
    let tasks: BTreeSet<usize> =
        nodes.flat_map(|at| &board.field.nodes[*at].elastic).map(|(task, _)| *task).collect();
    let names: Vec<&str> = tasks.iter().map(|at| board.field.tasks[*at].job.id.as_str()).collect();
    (!names.is_empty()).then(|| format!("a gang that goes on with fewer pods: {}", list(&names)))
}

/// Why one node is among them.
pub(crate) fn node(board: &Board, at: usize, moment: Moment) -> String {
    let here = board.field.nodes[at].tasks.iter().map(|(task, _)| &board.field.tasks[*task]);
    let tasks: Vec<&Task> = here.filter(|task| task.counts()).collect();
    let now = board.time(moment);
    let text = |task: &&Task| {
        let since = task.job.since.map(|since| now.duration_since(since).as_secs().max(0).unsigned_abs());
        let age = since.map_or("of unknown age".into(), age);
        let past = match task.past {
            Past::Untouched => "",
            Past::Remnant => ", interrupted by this run already",
            Past::Again => ", interrupted by this run before",
        };
        let gang = match task.job.nodes.len() {
            nodes if task.elastic.is_some() => {
                format!(", gang on {nodes} nodes that goes on with {} of its {} pods", least(task), task.pods)
            }
            nodes if task.job.gang && nodes > 1 => format!(", gang on {nodes} nodes"),
            _ => String::new(),
        };
        let preemptible = if task.job.preemptible { ", preemptible" } else { "" };
        let gpus = count(task.job.gpus, "GPU");
        format!("{} ({gpus}, {age}{gang}{preemptible}{past})", task.job.id)
    };
    if tasks.is_empty() {
        return "no job with a GPU runs on it".into();
    }
    format!("runs {}", list(&tasks.iter().map(text).collect::<Vec<_>>()))
}

fn least(task: &Task) -> u64 {
    task.job.least().unwrap_or(task.pods)
}

/// Nothing fits although no lane is at work: nodes that are down take the room.
pub(crate) fn full(board: &Board, moment: Moment) -> String {
    let limit = board.room.limit();
    if board.room.is_full() {
        return "no lane may begin at present: max-unavailable, or the lanes of an approval, are 0".into();
    }
    let nodes = &board.field.nodes;
    let down: Vec<&NodeName> = nodes.iter().filter(|n| n.down).map(|n| n.name).collect();
    let first = board.units.iter().find(|unit| board.held(unit, moment).is_none());
    let next = first.map(|unit| unit.nodes.as_slice()).unwrap_or_default();
    format!(
        "{} {} not available, which leaves no room for {}: at most {limit} of the workers may be unavailable{}",
        list(&down),
        podlift_model::agree(down.len() as u64, "is", "are"),
        list(&board.field.names(next)),
        other_limits(board, next)
    )
}

/// The limits that these nodes have beside that of all workers.
fn other_limits(board: &Board, nodes: &[usize]) -> String {
    let groups: BTreeSet<usize> = nodes.iter().filter_map(|at| board.field.nodes[*at].group).collect();
    let policy = board.scene.policy;
    let mut text = String::new();
    for at in groups {
        text += &format!(", at most {} of group {}", board.room.group_limit(at), policy.groups[at].name);
    }
    if let Some(topology) = policy.topology.as_ref().filter(|t| t.take == Take::OneOfEach) {
        text += &format!(", never two of one {}", topology.label);
    }
    text
}

/// Why a unit that is held is not taken.
pub(crate) fn held(board: &Board, unit: &Unit, held: &Held) -> String {
    let id = |at: &usize| board.field.tasks[*at].job.id.as_str();
    let nodes = list(&board.field.names(&unit.nodes));
    let gangs = list(&unit.large.iter().map(id).collect::<Vec<_>>());
    let limit = board.room.limit();
    match held {
        Held::Never(_) => format!(
            "{nodes}: {} must not be interrupted; podlift defer {} leaves its node out",
            never(board, unit),
            board.field.nodes[unit.nodes[0]].name
        ),
        Held::Overdue => format!(
            "{} must not be interrupted and has not ended in the time of the policy, which leaves its nodes out",
            never(board, unit)
        ),
        Held::Until(_) => {
            format!(
                "{nodes}: {gangs} has more nodes than may be unavailable together ({limit}), and has time to end"
            )
        }
        Held::Skip => format!(
            "{gangs} has more nodes than may be unavailable together ({limit}), and the policy leaves its nodes out"
        ),
        Held::Soaks(group, _) => canary::soaks(board, *group),
        Held::Canary(group) => canary::failed(board, *group),
        Held::Failed(group) => canary::spent(board, *group),
        Held::Closed(opening) => windows::closed(board, &unit.calendars, *opening),
        Held::Apart => windows::apart(board, unit),
        Held::Ask => format!(
            "{nodes}: {gangs} has more nodes than may be unavailable together ({limit}), and the policy asks an operator"
        ),
    }
}

/// The jobs that must not be interrupted, with their marks.
fn never(board: &Board, unit: &Unit) -> String {
    let job = |at: &usize| {
        let job = board.field.tasks[*at].job;
        format!("{} ({})", job.id, job.never.as_deref().unwrap_or_default())
    };
    list(&unit.never.iter().map(job).collect::<Vec<_>>())
}

/// Why units that are held are not taken. Units with the same reason are named by it once.
pub(crate) fn all_held(board: &Board, units: &[(&Unit, Held)]) -> String {
    let mut why: Vec<String> = units.iter().map(|(unit, why)| held(board, unit, why)).collect();
    let mut seen = BTreeSet::new();
    why.retain(|text| seen.insert(text.clone()));
    let more = why.len().saturating_sub(NAMES);
    why.truncate(NAMES);
    if more > 0 {
        why.push(format!("{} of nodes wait for such reasons", count(more, "more group")));
    }
    why.join("; ")
}
