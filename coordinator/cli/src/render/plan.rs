//! `podlift plan`: what would happen, what is prevented, what blocks.

use super::version;
use crate::out::Screen;
use crate::table::{Cell, Grid, wrapped};
use anstyle::AnsiColor;
use podlift_engine::plan::{Finding, Phase, Plan};
use podlift_engine::{NodeRole, Severity};
use std::fmt::Write as _;

pub(crate) fn plan(plan: &Plan, screen: Screen) -> String {
    let mut out = String::new();
    let count = |role| plan.inventory.of_role(role).count();
    let (planes, workers) = (count(NodeRole::ControlPlane), count(NodeRole::Worker));
    let _ = writeln!(
        out,
        "Cluster {}: {} to {}, {planes} control-plane nodes and {workers} workers",
        plan.cluster, plan.from, plan.to
    );
    let packages: Vec<String> = plan.packages.iter().map(|(p, v)| format!("{p} {v}")).collect();
    let _ = writeln!(out, "Packages: {}", packages.join(", "));
    let _ = writeln!(out, "Plan {}\n", plan.hash.short());
    out += &nodes(plan, screen);
    out += &phases(plan, screen);
    out += &prevented(plan);
    out += &waived(plan);
    for (severity, title) in
        [(Severity::Blocker, "Blocks the run"), (Severity::Warning, "Warnings"), (Severity::Note, "Notes")]
    {
        out += &findings(plan, severity, title);
    }
    out += verdict(plan);
    wrapped(&out, screen)
}

fn nodes(plan: &Plan, screen: Screen) -> String {
    let mut grid = Grid::new(&["NODE", "ROLE", "KUBELET", "API SERVER", "READY", "AGENT"]);
    for n in &plan.inventory.nodes {
        let good = |yes: bool| if yes { AnsiColor::Green } else { AnsiColor::Red };
        let (ready, agent) = (n.view.ready, n.facts.is_some());
        grid.row(vec![
            Cell::from(&n.name),
            Cell::from(n.role),
            version(n.view.kubelet).into(),
            version(n.api_server_version()).into(),
            Cell::coloured(if ready { "yes" } else { "no" }, Some(good(ready))),
            Cell::coloured(if agent { "connected" } else { "missing" }, Some(good(agent))),
        ]);
    }
    format!("{}\n\n", grid.render(screen))
}

fn phases(plan: &Plan, screen: Screen) -> String {
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

fn prevented(plan: &Plan) -> String {
    if plan.prevented.is_empty() {
        return String::new();
    }
    let lines = plan.prevented.iter().map(|p| {
        let rule = if p.site_rule { " (site rule)" } else { "" };
        format!("  {}{rule}: {}\n", p.id, p.what)
    });
    let how = if plan.waived("flag-loss").is_some() {
        "Would be prevented, but is waived"
    } else {
        "Will be prevented, by repairing kubeadm-config"
    };
    format!("{how}:\n{}\n", lines.collect::<String>())
}

fn waived(plan: &Plan) -> String {
    if plan.waivers.is_empty() {
        return String::new();
    }
    let lines = plan.waivers.iter().map(|w| format!("  {} by {}: {}\n", w.check, w.by, w.reason));
    format!("Waived:\n{}\n", lines.collect::<String>())
}

fn findings(plan: &Plan, severity: Severity, title: &str) -> String {
    let mine: Vec<&Finding> = plan.findings.iter().filter(|f| f.severity == severity).collect();
    if mine.is_empty() {
        return String::new();
    }
    let lines = mine.iter().map(|f| {
        let node = f.node.as_ref().map_or(String::new(), |n| format!(" {n}"));
        let next = if f.next.is_empty() { String::new() } else { format!("    next: {}\n", f.next) };
        format!("  {}{node}: {}\n{next}", f.check, f.evidence)
    });
    format!("{title}:\n{}\n", lines.collect::<String>())
}

fn verdict(plan: &Plan) -> &'static str {
    match plan.blockers().next() {
        Some(_) => "This run is blocked. Nothing was changed.\n",
        None => "Nothing blocks this run. Nothing was changed yet.\n",
    }
}
