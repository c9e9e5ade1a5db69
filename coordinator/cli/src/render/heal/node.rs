//! `podlift heal status NODE`: state and memory of one agent's heal.

use super::{attention, budget, guard, last};
use crate::out::Screen;
use crate::render::{duration, timestamp};
use crate::table::{Cell, Grid, wrapped};
use podlift_engine::view::Heal;
use podlift_model::heal::{HealExpectations, HealFacts, HealFile, HealMode};
use std::fmt::Write as _;

/// One node in full.
pub(crate) fn node(seen: &Heal, screen: Screen) -> String {
    let Some(node) = seen.nodes.first() else { return String::new() };
    let mut out =
        format!("Heal of node {} of cluster {} at {}\n", node.node, seen.cluster, timestamp(seen.at));
    let Some(h) = &node.heal else {
        let _ = writeln!(out, "  its agent reports no heal: it is older than this coordinator");
        return wrapped(&out, screen);
    };
    let gone = if node.connected { "" } else { ", its agent is not connected" };
    for (name, value) in [
        ("mode", mode_text(h).to_string()),
        ("guard", guard(h)),
        ("reported", format!("{} ago{gone}", duration(node.age_seconds as f64))),
        (
            "noticed",
            if h.watching { "at once" } else { "at the next tick: the folder is not watched" }.into(),
        ),
        ("expects", expectation(h.expectations.as_ref())),
    ] {
        let _ = writeln!(out, "  {name:<9}{value}");
    }
    out = wrapped(&out, screen);
    let mut grid = Grid::with_tail(&["FILE", "NOW", "LEARNED", "BUDGET", "GOOD COPIES", "LAST HEAL"]);
    for f in &h.files {
        let now = f.sha256.as_ref().map_or("missing".into(), |d| d.short().to_string());
        let copies: Vec<&str> = f.good.iter().map(|g| g.sha256.short()).collect();
        let copies = if copies.is_empty() { "none".into() } else { copies.join(" ") };
        let cells = [now, learned(f), budget(std::slice::from_ref(f)), copies, last(std::slice::from_ref(f))];
        grid.row(std::iter::once(Cell::from(&f.file)).chain(cells.map(Cell::from)).collect());
    }
    if !h.files.is_empty() {
        let _ = write!(out, "\n{}\n", grid.render(screen));
    }
    out += &wrapped(&attention(&[node]), screen);
    out
}

/// Whether the heal has learned this file.
fn learned(f: &HealFile) -> String {
    match (&f.opaque, &f.unlearned) {
        (Some(_), _) => "opaque",
        (None, Some(_)) => "no",
        (None, None) => "yes",
    }
    .into()
}

fn mode_text(h: &HealFacts) -> &'static str {
    match h.mode {
        HealMode::Enforce => "enforce: repairs",
        HealMode::Observe => "observe: only reports repairs",
        HealMode::Off => "off",
    }
}

fn expectation(e: Option<&HealExpectations>) -> String {
    let Some(e) = e else { return "nothing yet: the API server of this node has not been Ready".into() };
    let cluster = e.etcd_cluster.as_deref().unwrap_or("not known");
    let other = e.other_etcd.as_ref();
    let other = other
        .map_or(String::new(), |o| format!("; etcd cluster {o} answers there now, so nothing is healed"));
    let prefix = e.etcd_prefix.as_ref().map_or(String::new(), |p| format!(", prefix {p}"));
    let overrides = e.etcd_overrides.as_ref().map_or(String::new(), |o| format!(", overrides {o}"));
    format!(
        "etcd servers {}{prefix}{overrides} of cluster {cluster}, learned {} from {}{other}",
        e.etcd_servers.join(","),
        timestamp(e.at),
        e.learned_from.short()
    )
}
