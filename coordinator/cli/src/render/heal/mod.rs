//! `podlift heal`: the fleet. The other files have one node and the history.

mod attention;
mod node;
mod past;
#[cfg(test)]
mod tests;

pub(crate) use node::node;
pub(crate) use past::{diff, history};

use super::{duration, time_of_day, timestamp};
use crate::out::Screen;
use crate::table::{Cell, Grid, wrapped};
use anstyle::AnsiColor;
use attention::attention;
use podlift_engine::view::{Heal, HealNode};
use podlift_model::heal::{HealExpectations, HealFacts, HealFile, HealMode};
use std::fmt::Write as _;

/// The fleet: a row for each node with manifests, then the findings that need a person.
pub(crate) fn status(seen: &Heal, screen: Screen) -> String {
    let (watched, idle): (Vec<&HealNode>, Vec<&HealNode>) = seen.nodes.iter().partition(|n| matters(n));
    let mut out = format!("Heal of cluster {} at {}\n", seen.cluster, timestamp(seen.at));
    let mut grid =
        Grid::with_tail(&["NODE", "MODE", "GUARD", "ETCD", "FINDINGS", "BUDGET", "AGE", "LAST HEAL"]);
    for node in &watched {
        grid.row(row(node));
    }
    if !watched.is_empty() {
        out += &grid.render(screen);
        out += "\n";
    }
    if !idle.is_empty() {
        let _ = writeln!(
            out,
            "Without static pod manifests, so that there is nothing to heal: {} of them",
            idle.len()
        );
    }
    out += &wrapped(&attention(&watched), screen);
    let _ =
        writeln!(out, "{} in the journal: podlift heal history", podlift_model::count(seen.heals, "heal"));
    out
}

/// Whether a node has a row: a worker without findings has none, and a node that has not reported its heal has one.
fn matters(node: &HealNode) -> bool {
    node.heal.as_ref().is_none_or(|h| {
        !h.files.is_empty() || !h.findings.is_empty() || h.expectations.is_some() || h.guard.is_some()
    })
}

fn row(node: &HealNode) -> Vec<Cell> {
    let age = match (node.connected, node.stale) {
        (false, _) => {
            Cell::coloured(format!("{} gone", duration(node.age_seconds as f64)), Some(AnsiColor::Red))
        }
        (_, true) => {
            Cell::coloured(format!("{} stale", duration(node.age_seconds as f64)), Some(AnsiColor::Yellow))
        }
        _ => duration(node.age_seconds as f64).into(),
    };
    let Some(h) = &node.heal else {
        let none = || Cell::from("-");
        return vec![
            Cell::from(&node.node),
            Cell::from("unknown"),
            none(),
            none(),
            none(),
            none(),
            age,
            none(),
        ];
    };
    let findings = attention::of(node).len();
    vec![
        Cell::from(&node.node),
        mode(h),
        guard_cell(h).into(),
        expects(h.expectations.as_ref()),
        Cell::coloured(findings, (findings > 0).then_some(AnsiColor::Yellow)),
        budget(&h.files).into(),
        age,
        last(&h.files).into(),
    ]
}

fn mode(h: &HealFacts) -> Cell {
    match h.mode {
        HealMode::Enforce => Cell::from("enforce"),
        HealMode::Observe => Cell::coloured("observe", Some(AnsiColor::Yellow)),
        HealMode::Off => Cell::coloured("off", Some(AnsiColor::Red)),
    }
}

fn guard_cell(h: &HealFacts) -> String {
    match h.guard.as_ref().map(|g| g.allow.len()) {
        None => "steady".into(),
        Some(0) => "armed".into(),
        Some(n) => format!("armed, {n} allowed"),
    }
}

fn guard(h: &HealFacts) -> String {
    let Some(g) = &h.guard else { return "steady".into() };
    let until = g.until.map_or(String::new(), |until| format!(" until {}", time_of_day(until)));
    let allow: Vec<String> = g.allow.iter().map(|l| format!("{} --{}", l.component, l.flag)).collect();
    let lets =
        if allow.is_empty() { String::new() } else { format!("; allowed losses: {}", allow.join(", ")) };
    format!("armed by {}{until}{lets}", g.run)
}

fn expects(e: Option<&HealExpectations>) -> Cell {
    match e {
        None => "unknown".into(),
        Some(e) if e.forbidden.is_some() => Cell::coloured("forbidden", Some(AnsiColor::Red)),
        Some(e) if e.other_etcd.is_some() => "another".into(),
        Some(e) => podlift_model::count(e.etcd_servers.len(), "server").into(),
    }
}

/// The smallest budget of all files, because that file reaches its limit first.
fn budget(files: &[HealFile]) -> String {
    let least = files.iter().min_by_key(|f| f.budget_left);
    least.map_or("-".into(), |f| format!("{} of {}", f.budget_left, f.budget))
}

fn last(files: &[HealFile]) -> String {
    let last = files.iter().filter_map(|f| Some((f, f.last.as_ref()?))).max_by_key(|(_, l)| l.at);
    last.map_or("none".into(), |(f, l)| format!("{} {} ({})", timestamp(l.at), f.file, l.rules.join(", ")))
}
