//! Findings by severity, each with its next command. The same finding on many nodes appears once.

use super::{names, rule};
use podlift_engine::Severity;
use podlift_engine::program::Program;
use podlift_engine::view::findings::{Group, grouped};
use podlift_model::count;

/// Findings of one check that are shown without -v.
const TOP: usize = 5;

pub(super) fn findings(plan: &Program, all: bool) -> String {
    let groups = grouped(&plan.findings);
    let titles =
        [(Severity::Blocker, "Blocks the run"), (Severity::Warning, "Warnings"), (Severity::Note, "Notes")];
    titles.iter().map(|(severity, title)| section(&groups, *severity, title, all)).collect()
}

fn section(groups: &[Group], severity: Severity, title: &str, all: bool) -> String {
    let mine: Vec<&Group> = groups.iter().filter(|g| g.severity == severity).collect();
    let checks = mine.chunk_by(|a, b| a.check == b.check);
    let lines: String = checks.map(|groups| of_check(groups, all)).collect();
    if lines.is_empty() { lines } else { format!("{title}:\n{lines}\n") }
}

/// The findings of one check. A large fleet has hundreds that differ in a name only.
fn of_check(groups: &[&Group], all: bool) -> String {
    let cut = if all || groups.len() <= TOP + 1 { groups.len() } else { TOP };
    let mut lines: String = groups[..cut].iter().map(|g| one(g, all)).collect();
    if let [first, ..] = &groups[cut..] {
        // Always more than one.
        let more = count(groups.len() - cut, "more finding");
        lines += &format!("  {}: {more} of this kind; -v shows them\n", first.check);
    }
    lines
}

fn one(g: &Group, all: bool) -> String {
    let nodes = if g.nodes.is_empty() { String::new() } else { format!(" {}", names(&g.nodes, all)) };
    let next = if g.next.is_empty() { String::new() } else { format!("    next: {}\n", g.next) };
    format!("  {}{}{nodes}: {}\n{next}", g.check, rule(g.site_rule), g.evidence)
}
