//! `podlift heal`: the fleet here, one node and the past beside it.

mod node;
mod past;
#[cfg(test)]
mod tests;

pub(crate) use node::node;
pub(crate) use past::{diff, history};

use super::{clock, length, moment};
use crate::out::Screen;
use crate::table::{Cell, Grid, wrapped};
use anstyle::AnsiColor;
use podlift_engine::view::{Heal, HealNode};
use podlift_model::heal::{HealExpectations, HealFacts, HealFile, HealFinding, HealMode};
use std::fmt::Write as _;

/// The fleet: a row for each node with something to heal, then what needs a person.
pub(crate) fn status(seen: &Heal, screen: Screen) -> String {
    let (watched, idle): (Vec<&HealNode>, Vec<&HealNode>) = seen.nodes.iter().partition(|n| matters(n));
    let mut out = format!("Heal of cluster {} at {}\n", seen.cluster, moment(seen.at));
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
    let _ = writeln!(out, "{} heals in the journal: podlift heal history", seen.heals);
    out
}

/// A worker without findings has nothing to show; a node that does not say is shown.
fn matters(node: &HealNode) -> bool {
    node.heal.as_ref().is_none_or(|h| {
        !h.files.is_empty() || !h.findings.is_empty() || h.expectations.is_some() || h.guard.is_some()
    })
}

fn row(node: &HealNode) -> Vec<Cell> {
    let age = match (node.connected, node.stale) {
        (false, _) => {
            Cell::coloured(format!("{} gone", length(node.age_seconds as f64)), Some(AnsiColor::Red))
        }
        (_, true) => {
            Cell::coloured(format!("{} stale", length(node.age_seconds as f64)), Some(AnsiColor::Yellow))
        }
        _ => length(node.age_seconds as f64).into(),
    };
    let Some(h) = &node.heal else {
        let none = || Cell::from("-");
        return vec![
            Cell::from(&node.node),
            Cell::from("not told"),
            none(),
            none(),
            none(),
            none(),
            age,
            none(),
        ];
    };
    let findings = h.findings.len() + h.files.iter().filter(|f| f.fight.is_some()).count();
    vec![
        Cell::from(&node.node),
        mode(h),
        if h.guard.is_some() { "armed" } else { "steady" }.into(),
        expects(h.expectations.as_ref()).into(),
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

fn guard(h: &HealFacts) -> String {
    match &h.guard {
        None => "steady".into(),
        Some(g) => match g.until {
            Some(until) => format!("armed by {} until {}", g.run, clock(until)),
            None => format!("armed by {}", g.run),
        },
    }
}

fn expects(e: Option<&HealExpectations>) -> String {
    match e {
        None => "unknown".into(),
        Some(e) if e.other_etcd.is_some() => "another".into(),
        Some(e) => format!("{} servers", e.etcd_servers.len()),
    }
}

/// The least of all files: that one is left alone first.
fn budget(files: &[HealFile]) -> String {
    let least = files.iter().min_by_key(|f| f.budget_left);
    least.map_or("-".into(), |f| format!("{} of {}", f.budget_left, f.budget))
}

fn last(files: &[HealFile]) -> String {
    let last = files.iter().filter_map(|f| Some((f, f.last.as_ref()?))).max_by_key(|(_, l)| l.at);
    last.map_or("none".into(), |(f, l)| format!("{} {} ({})", moment(l.at), f.file, l.rules.join(", ")))
}

/// What was found and not repaired, and who undoes repairs.
fn attention(nodes: &[&HealNode]) -> String {
    let of = |n: &HealNode| {
        let h = n.heal.as_ref();
        let findings = h.into_iter().flat_map(|h| &h.findings).map(finding);
        let files = h.into_iter().flat_map(|h| &h.files);
        let fights = files.filter_map(|f| {
            let fight = f.fight.as_ref()?;
            Some(format!(
                "{}: its repairs are undone since {} by {}; it is left alone until a run arms its guard again",
                f.file,
                moment(fight.since),
                fight.by
            ))
        });
        findings.chain(fights).map(|text| format!("  {} {text}\n", n.node)).collect::<String>()
    };
    let lines: String = nodes.iter().map(|n| of(n)).collect();
    if lines.is_empty() { String::new() } else { format!("\nNeeds a look:\n{lines}\n") }
}

fn finding(f: &HealFinding) -> String {
    let why = f.report_only.as_ref().map_or(String::new(), |why| format!("; not repaired: {why}"));
    format!("{} {}: {}{why}", f.file, f.rule, f.what)
}
