//! What is said about the canaries of groups.

use super::{NAMES, age, list};
use crate::Group;
use crate::board::Board;
use crate::canary::Canary;
use crate::pick::Pick;
use podlift_model::{agree, count};
use std::collections::BTreeSet;

/// The groups of which these nodes are canaries.
pub(crate) fn first(board: &Board, picks: &[Pick]) -> Option<String> {
    let groups = picks.iter().flat_map(|pick| &pick.nodes).filter_map(|at| board.field.nodes[*at].group);
    let runs = |at: &usize| matches!(board.canaries[*at], Canary::Running(_));
    let groups: BTreeSet<usize> = groups.filter(runs).collect();
    let names: Vec<&String> = groups.iter().map(|at| &board.scene.policy.groups[*at].name).collect();
    (!names.is_empty()).then(|| format!("the canary of group {}", list(&names)))
}

/// What the canaries of these groups wait for.
pub(crate) fn canaries(board: &Board, groups: &[usize]) -> String {
    let text = |at: &usize| match board.canaries[*at] {
        Canary::Soaks(_) => soaks(board, *at),
        _ => runs(board, *at),
    };
    groups.iter().take(NAMES).map(text).collect::<Vec<_>>().join("; ")
}

fn runs(board: &Board, at: usize) -> String {
    let group = &board.scene.policy.groups[at];
    let nodes = count(group.canary, "node");
    format!(
        "group {} waits for its canary: its other nodes begin when {nodes} of it {} finished",
        group.name,
        is(group)
    )
}

pub(crate) fn soaks(board: &Board, at: usize) -> String {
    let group = &board.scene.policy.groups[at];
    let (nodes, soak) = (count(group.canary, "node"), length(group.canary_soak_seconds));
    format!(
        "group {} waits after its canary: {nodes} of it {} finished, and its other nodes begin {soak} later",
        group.name,
        is(group)
    )
}

fn length(seconds: u64) -> String {
    if seconds.is_multiple_of(60) { age(seconds) } else { format!("{seconds} s") }
}

fn is(group: &Group) -> &'static str {
    agree(group.canary, "is", "are")
}

/// The nodes of the group that have failed.
fn of_failed(board: &Board, at: usize) -> String {
    let nodes = board.field.nodes.iter().filter(|node| node.group == Some(at) && node.failed);
    list(&nodes.map(|node| node.name).collect::<Vec<_>>())
}

pub(crate) fn spent(board: &Board, at: usize) -> String {
    let group = &board.scene.policy.groups[at];
    format!(
        "{} of group {} failed, as many as its max-failed allows ({}), so the policy leaves its other nodes out",
        of_failed(board, at),
        group.name,
        group.max_failed.unwrap_or_default()
    )
}

pub(crate) fn failed(board: &Board, at: usize) -> String {
    let group = &board.scene.policy.groups[at];
    format!(
        "{} of the canary of group {} failed before {} of it {} finished, so the policy leaves its other nodes out",
        of_failed(board, at),
        group.name,
        count(group.canary, "node"),
        is(group)
    )
}
