//! All agents have one version, are idle, and would not restart a pod as soon as a guard is armed.

use super::View;
use crate::program::{Finding, Severity, finding};
use podlift_model::NodeFacts;
use std::collections::BTreeMap;

pub fn check(view: &View) -> Vec<Finding> {
    let facts = || view.nodes().filter_map(|n| n.facts.as_ref());
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    for f in facts() {
        *count.entry(&f.agent_version).or_default() += 1;
    }
    let usual = count.into_iter().max_by_key(|(_, n)| *n).map(|(v, _)| v).unwrap_or_default();
    facts().flat_map(|f| version(f, usual).into_iter().chain(busy(f)).chain(armed(f))).collect()
}

fn version(f: &NodeFacts, usual: &str) -> Option<Finding> {
    let evidence = format!("its agent is {}, most others are {usual}", f.agent_version);
    let next = format!("ssh {} apt-get install --only-upgrade podlift-agent", f.node);
    (f.agent_version != usual)
        .then(|| finding("agent-versions", Severity::Warning, Some(&f.node), evidence, &next))
}

fn busy(f: &NodeFacts) -> Option<Finding> {
    let op = f.running.first()?;
    let evidence = format!("its agent is at work: op {op} and {} more", f.running.len() - 1);
    Some(finding("agent-busy", Severity::Warning, Some(&f.node), evidence, "podlift status"))
}

/// What the guard would repair as soon as it is armed. A gate of the site's rule is removed by the plan itself.
fn armed(f: &NodeFacts) -> Option<Finding> {
    let findings = &f.heal.as_ref()?.findings;
    let open = findings.iter().find(|h| h.report_only.is_none() && h.rule != "site-gate")?;
    let evidence = format!(
        "its guard would change {} when it is armed ({}), and that restarts the pod: {}",
        open.file, open.rule, open.what
    );
    let next = format!("podlift heal diff {}", f.node);
    Some(finding("agent-restarts", Severity::Warning, Some(&f.node), evidence, &next))
}
