//! The forecast of the batches in which the workers go.

use crate::out::Screen;
use crate::render::folded::{folded, within};
use crate::render::{clock, duration, jobs, numbers};
use crate::table::{Cell, Grid};
use jiff::SignedDuration;
use podlift_engine::program::{CANARY, Phase, PlannedBatch, Program, Rollout};
use podlift_model::{NodeName, agree, count};
use std::collections::BTreeMap;

/// Batches, and jobs of one batch, that are shown without -v.
const TOP: usize = 10;
const JOBS: usize = 2;
/// Characters for the names of a batch's nodes without -v.
const NAMES: usize = 28;

pub(super) fn batches(plan: &Program, all: bool, screen: Screen) -> String {
    let planned: Vec<(&Phase, &PlannedBatch)> =
        plan.phases.iter().flat_map(|phase| phase.batches.iter().map(move |batch| (phase, batch))).collect();
    if planned.is_empty() {
        return not_taken(plan, all);
    }
    let cut = if all { planned.len() } else { planned.len().min(TOP) };
    let mut grid = Grid::with_tail(&["BATCH", "BEGINS AFTER", "GPU-HOURS", "NODES", "WHY"]);
    for (i, (phase, batch)) in planned[..cut].iter().enumerate() {
        let names = if all { folded(&batch.nodes) } else { within(&batch.nodes, NAMES) };
        grid.row(vec![
            Cell::from(i + 1),
            begins(phase, batch).into(),
            hours(batch),
            names.into(),
            why(batch, all).into(),
        ]);
    }
    let title = format!(
        "Forecast of {} of workers; each is chosen anew when it has room:",
        numbers::batches(planned.len())
    );
    let from = match planned.iter().any(|(phase, _)| is_first(phase)) {
        true => "The times count from the end of the first workers.\n",
        false => "",
    };
    let (more, end) = (more(&planned[cut..]), end(plan));
    format!("{title}\n{}\n{more}{from}{end}\n{}", grid.render(screen), not_taken(plan, all))
}

/// When the last batch would be over. Windows make it a time of the clock, because the batches do not follow each other without a break.
fn end(plan: &Program) -> String {
    let Some(seconds) = plan.phases.iter().filter_map(|phase| phase.ends_in_seconds).max() else {
        return String::new();
    };
    let over = format!("The last batch would be over after {}", duration(seconds as f64));
    let has_windows = plan.options.batches.as_ref().is_some_and(has_windows);
    let length = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    match plan.made_at.checked_add(length).ok().filter(|_| has_windows) {
        Some(at) => {
            let (begin, end) = (clock::until(plan.made_at, plan.made_at), clock::until(at, plan.made_at));
            format!("{over}: begun when this plan was made, at {begin}, it ends at about {end}.\n")
        }
        None => format!("{over}.\n"),
    }
}

/// Whether the rules close any worker for a time.
fn has_windows(rules: &Rollout) -> bool {
    !rules.windows.is_empty() || rules.groups.iter().any(|group| !group.windows.is_empty())
}

/// Workers that no batch of the forecast takes, by reason.
fn not_taken(plan: &Program, all: bool) -> String {
    let mut by_reason: BTreeMap<&str, Vec<&NodeName>> = BTreeMap::new();
    for (node, why) in plan.phases.iter().flat_map(|phase| &phase.not_taken) {
        by_reason.entry(why).or_default().push(node);
    }
    let names = |nodes: Vec<&NodeName>| if all { folded(nodes) } else { within(nodes, NAMES) };
    let lines: String =
        by_reason.into_iter().map(|(why, nodes)| format!("  {}: {why}\n", names(nodes))).collect();
    if lines.is_empty() { lines } else { format!("Workers in no batch of the forecast:\n{lines}\n") }
}

/// How long the first workers take is not foreseen: they may soak for hours.
fn is_first(phase: &Phase) -> bool {
    phase.name == CANARY
}

fn begins(phase: &Phase, batch: &PlannedBatch) -> String {
    match is_first(phase) {
        true => "first".into(),
        false => duration(batch.starts_in_seconds as f64),
    }
}

fn more(rest: &[(&Phase, &PlannedBatch)]) -> String {
    let nodes: usize = rest.iter().map(|(_, batch)| batch.nodes.len()).sum();
    let more = agree(rest.len(), "more batch", "more batches");
    match rest.len() {
        0 => String::new(),
        n => format!("{n} {more} with {}; -v shows {}\n", count(nodes, "node"), agree(n, "it", "them")),
    }
}

/// GPU-hours at risk; a mark instead of 0.
fn hours(batch: &PlannedBatch) -> Cell {
    match batch.gpu_seconds {
        0 => "-".into(),
        seconds => numbers::hours(numbers::of_seconds(seconds)).into(),
    }
}

/// `least loss; interrupts runai/PyTorchJob/llm, lab/Job/b and 2 more`.
fn why(batch: &PlannedBatch, all: bool) -> String {
    match batch.interrupts.is_empty() {
        true => batch.why.clone(),
        false => format!(
            "{}; interrupts {}",
            batch.why,
            jobs::some(&batch.interrupts, if all { usize::MAX } else { JOBS })
        ),
    }
}
