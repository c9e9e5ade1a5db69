//! `podlift heal status`, `history` and `diff`.

use super::{length, moment};
use crate::out::Screen;
use crate::table::{Cell, Grid, paint, wrapped};
use anstyle::AnsiColor;
use podlift_engine::view::{Heal, HealNode, HealRecord};
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
            Some(until) => format!("armed by {} until {}", g.run, super::clock(until)),
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

/// One node in full.
pub(crate) fn node(seen: &Heal, screen: Screen) -> String {
    let Some(node) = seen.nodes.first() else { return String::new() };
    let mut out = format!("Heal of node {} of cluster {} at {}\n", node.node, seen.cluster, moment(seen.at));
    let Some(h) = &node.heal else {
        let _ = writeln!(out, "  its agent does not say: it is older than this coordinator");
        return wrapped(&out, screen);
    };
    let gone = if node.connected { "" } else { ", its agent is not connected" };
    for (name, value) in [
        ("mode", mode_text(h).to_string()),
        ("guard", guard(h)),
        ("told", format!("{} ago{gone}", length(node.age_seconds as f64))),
        (
            "noticed",
            if h.watching { "at once" } else { "at the next tick: the folder is not watched" }.into(),
        ),
        ("expects", expectation(h.expectations.as_ref())),
    ] {
        let _ = writeln!(out, "  {name:<9}{value}");
    }
    out = wrapped(&out, screen);
    let mut grid = Grid::with_tail(&["FILE", "NOW", "BUDGET", "GOOD COPIES", "LAST HEAL"]);
    for f in &h.files {
        let now = f.sha256.as_ref().map_or("missing".into(), |d| d.short().to_string());
        let copies: Vec<&str> = f.good.iter().map(|g| g.sha256.short()).collect();
        let copies = if copies.is_empty() { "none".into() } else { copies.join(" ") };
        let cells = [now, budget(std::slice::from_ref(f)), copies, last(std::slice::from_ref(f))];
        grid.row(std::iter::once(Cell::from(&f.file)).chain(cells.map(Cell::from)).collect());
    }
    if !h.files.is_empty() {
        let _ = write!(out, "\n{}\n", grid.render(screen));
    }
    out += &wrapped(&attention(&[node]), screen);
    out
}

fn mode_text(h: &HealFacts) -> &'static str {
    match h.mode {
        HealMode::Enforce => "enforce: repairs",
        HealMode::Observe => "observe: only says what it would repair",
        HealMode::Off => "off: looks at nothing",
    }
}

fn expectation(e: Option<&HealExpectations>) -> String {
    let Some(e) = e else { return "nothing yet: no API server of this node was seen Ready".into() };
    let cluster = e.etcd_cluster.as_deref().unwrap_or("not known");
    let other = e.other_etcd.as_ref();
    let other = other
        .map_or(String::new(), |o| format!("; etcd cluster {o} answers there now, so nothing is healed"));
    format!(
        "etcd servers {} of cluster {cluster}, learned {} from {}{other}",
        e.etcd_servers.join(","),
        moment(e.at),
        e.learned_from.short()
    )
}

pub(crate) fn history(seen: &Heal, screen: Screen) -> String {
    if seen.history.is_empty() {
        return "No heal is in the journal".into();
    }
    let mut grid = Grid::with_tail(&["AT", "NODE", "FILE", "TOOK", "ID", "RULES"]);
    for r in &seen.history {
        let run = r.run.as_ref().map_or("steady watch".into(), |run| format!("run {run}"));
        let h = &r.heal;
        grid.row(vec![
            moment(h.at).into(),
            Cell::from(&h.node),
            Cell::from(&h.file),
            format!("{} µs", h.latency_us).into(),
            Cell::from(&h.id),
            format!("{} ({run})", h.rules.join(", ")).into(),
        ]);
    }
    let mut out = grid.render(screen);
    let more = seen.heals.saturating_sub(seen.history.len() as u64);
    if more > 0 {
        let _ = write!(out, "\n{more} older ones: podlift heal history --last {}", seen.heals);
    }
    out
}

pub(crate) fn diff(seen: &Heal, screen: Screen) -> String {
    if seen.history.is_empty() {
        return "No such heal is in the journal".into();
    }
    seen.history.iter().map(|r| one(r, screen)).collect::<Vec<_>>().join("\n")
}

/// As `diff -u` prints it; a long line is left to the terminal, because a diff that is wrapped can't be read.
fn one(r: &HealRecord, screen: Screen) -> String {
    let h = &r.heal;
    let mut out = format!("{} {} ({})\n", moment(h.at), h.node, h.rules.join(", "));
    let _ = write!(out, "--- {} {}\n+++ {} {}\n", h.file, h.before.short(), h.file, h.after.short());
    for line in h.diff.lines() {
        let colour = match line.chars().next() {
            Some('-') => Some(AnsiColor::Red),
            Some('+') => Some(AnsiColor::Green),
            Some('@') => Some(AnsiColor::Cyan),
            _ => None,
        };
        match colour.filter(|_| screen.colour) {
            Some(colour) => drop(writeln!(out, "{}", paint(colour, line))),
            None => drop(writeln!(out, "{line}")),
        }
    }
    out
}
