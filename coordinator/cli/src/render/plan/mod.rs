//! `podlift plan`: what would happen, what podlift prevents, what blocks the run, and what the work on each node costs.

#[cfg(test)]
mod batch_tests;
mod batches;
mod blast;
mod findings;
mod fleet;
mod groups;
mod images;
mod jobs;
mod options;
mod rules;
mod software;
#[cfg(test)]
mod software_tests;
#[cfg(test)]
mod tests;

use super::{aim, timestamp};
use crate::out::Screen;
use crate::table::{Cell, Grid, wrapped};
use podlift_engine::NodeRole;
use podlift_engine::program::{Phase, Program};
use podlift_model::NodeName;
use std::fmt::Write as _;

/// The finding that another run is open, which a person has to read before everything else.
const RUN_OPEN: &str = "run-open";

/// With `all`, tables and lists are not cut.
pub(crate) fn plan(plan: &Program, all: bool, screen: Screen) -> String {
    let mut out = String::new();
    let of = |role| plan.inventory.of_role(role).count();
    let planes = podlift_model::count(of(NodeRole::ControlPlane), "control-plane node");
    let workers = podlift_model::count(of(NodeRole::Worker), "worker");
    if let Some(open) = plan.findings.iter().find(|f| f.check == RUN_OPEN) {
        let _ = writeln!(out, "A {}\n", open.evidence);
    }
    let aim = aim(plan.goal.name(), plan.from(), plan.to());
    let _ = writeln!(out, "Cluster {}: {aim}, {planes} and {workers}", plan.cluster);
    if let Some(upgrade) = plan.goal.upgrade() {
        let packages: Vec<String> = upgrade.packages.iter().map(|(p, v)| format!("{p} {v}")).collect();
        let _ = writeln!(out, "Packages: {}", packages.join(", "));
    }
    let _ = writeln!(out, "Plan {}\n", plan.hash.short());
    out += &fleet::nodes(plan, all, screen);
    out += &options::left_out(plan, all);
    out += &phases(plan, screen);
    out += &options::options(plan);
    out += &prevented(plan);
    out += &software::software(plan, all, screen);
    out += &images::images(plan);
    out += &rules::rules(plan);
    out += &batches::batches(plan, all, screen);
    out += &jobs::at_risk(plan, all, screen);
    out += &blast::blast(plan, all, screen);
    out += &attested(plan);
    out += &waived(plan);
    out += &findings::findings(plan, all);
    out += &verdict(plan);
    wrapped(&out, screen)
}

fn phases(plan: &Program, screen: Screen) -> String {
    let mut grid = Grid::new(&["PHASE", "WHAT", "NODES", "AT ONCE", "STEPS"]);
    for phase in &plan.phases {
        let steps: usize = phase.lanes.iter().map(|l| l.steps.len()).sum();
        let lanes = lanes(phase);
        let at_once = phase.parallel.min(lanes.max(1) as u32).to_string();
        grid.row(vec![
            Cell::from(&phase.name),
            Cell::from(&phase.title),
            lanes.into(),
            at_once.into(),
            steps.into(),
        ]);
    }
    format!("{}\n\n", grid.render(screen))
}

fn lanes(phase: &Phase) -> usize {
    let nodes: std::collections::BTreeSet<_> = phase.lanes.iter().filter_map(|l| l.node.as_ref()).collect();
    nodes.len()
}

fn prevented(plan: &Program) -> String {
    if plan.mends.prevented.is_empty() {
        return String::new();
    }
    let lines = plan.mends.prevented.iter().map(|p| format!("  {}{}: {}\n", p.id, rule(p.site_rule), p.what));
    let how = match plan.waived("flag-loss") {
        Some(_) => "Not prevented, because flag-loss is waived",
        None => "Prevented before kubeadm writes",
    };
    format!("{how}:\n{}\n", lines.collect::<String>())
}

/// Mark of a rule that the site has configured and that is no fact of Kubernetes.
fn rule(site: bool) -> &'static str {
    if site { " (site rule)" } else { "" }
}

fn attested(plan: &Program) -> String {
    if plan.attestations.is_empty() {
        return String::new();
    }
    let lines = plan.attestations.iter().map(|a| {
        let note = if a.note.is_empty() { String::new() } else { format!(": {}", a.note) };
        format!("  {} by {} at {}{note}\n", a.id, a.by, timestamp(a.at))
    });
    format!("Attested:\n{}\n", lines.collect::<String>())
}

fn waived(plan: &Program) -> String {
    if plan.waivers.is_empty() {
        return String::new();
    }
    let lines = plan.waivers.iter().map(|w| format!("  {} by {}: {}\n", w.check, w.by, w.reason));
    format!("Waived:\n{}\n", lines.collect::<String>())
}

/// The first few of many names, and the number of the others.
fn names(nodes: &[&NodeName], all: bool) -> String {
    const SHOWN: usize = 3;
    let cut = if all || nodes.len() <= SHOWN + 1 { nodes.len() } else { SHOWN };
    let shown: Vec<&str> = nodes[..cut].iter().map(|n| n.as_str()).collect();
    let more = nodes.len() - cut;
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}

fn verdict(plan: &Program) -> String {
    match plan.blockers().count() {
        0 => "Nothing blocks this run. Nothing was changed yet.\n".into(),
        n => format!("This run is blocked by {}. Nothing was changed.\n", podlift_model::count(n, "finding")),
    }
}
