//! Findings by severity, each with its next command. The same finding on many nodes appears once.

use super::{names, rule};
use podlift_engine::Severity;
use podlift_engine::program::Program;
use podlift_engine::view::findings::{Group, grouped};

pub(super) fn findings(plan: &Program, all: bool) -> String {
    let groups = grouped(&plan.findings);
    let titles =
        [(Severity::Blocker, "Blocks the run"), (Severity::Warning, "Warnings"), (Severity::Note, "Notes")];
    titles.iter().map(|(severity, title)| section(&groups, *severity, title, all)).collect()
}

fn section(groups: &[Group], severity: Severity, title: &str, all: bool) -> String {
    let lines: String = groups.iter().filter(|g| g.severity == severity).map(|g| one(g, all)).collect();
    if lines.is_empty() { lines } else { format!("{title}:\n{lines}\n") }
}

fn one(g: &Group, all: bool) -> String {
    let nodes = if g.nodes.is_empty() { String::new() } else { format!(" {}", names(&g.nodes, all)) };
    let next = if g.next.is_empty() { String::new() } else { format!("    next: {}\n", g.next) };
    format!("  {}{}{nodes}: {}\n{next}", g.check, rule(g.site_rule), g.evidence)
}
