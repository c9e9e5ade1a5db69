//! What an abort leaves changed, for the person who continues: the state of each node that the run has changed, what its steps leave, and
//! where the backup is.

use podlift_engine::machine::RunState;
use podlift_engine::program::StepSpec;
use podlift_engine::steps::Touches;
use podlift_engine::view::SeenNode;
use podlift_model::{NodeFacts, NodeName};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Nodes that a line names.
const SHOWN: usize = 8;

/// `sets` is the coordinator's directory of backups.
pub(super) fn remains(s: &RunState, seen: &[SeenNode], sets: &Path) -> Vec<String> {
    let mut out: Vec<String> = changed(s).into_iter().filter_map(|node| packages(s, seen, node)).collect();
    out.extend(of_steps(s));
    if let Some(seal) = &s.seal {
        let (hash, run) = (seal.hash.short(), &s.run);
        out.push(format!(
            "backup {hash} stays in {} on the coordinator's machine, and its files of each control-plane node in /var/lib/podlift/backup/{run} there",
            sets.join(run.as_str()).display()
        ));
    }
    out
}

/// Nodes on which a step of the run has changed anything, or may have: an op that failed half way counts.
fn changed(s: &RunState) -> BTreeSet<&NodeName> {
    let tried = |x: &&StepSpec| s.steps[&x.id].attempts > 0 && x.kind.step().touches() == Touches::Cluster;
    s.plan.steps().filter(tried).filter_map(|x| x.node.as_ref()).collect()
}

/// Packages of a node as its agent reported them last, or as the plan saw them.
fn packages(s: &RunState, seen: &[SeenNode], node: &NodeName) -> Option<String> {
    let now = seen.iter().find(|n| n.facts.node == *node).map(|n| n.facts.as_ref());
    let facts: &NodeFacts = now.or_else(|| s.plan.inventory.get(node)?.facts.as_ref())?;
    let package = |(name, p): (&String, &podlift_model::facts::PackageState)| {
        let held = if p.held { "held" } else { "not held" };
        Some(format!("{name} {}, {held}", p.version.as_ref()?))
    };
    let packages: Vec<String> = facts.packages.iter().filter_map(package).collect();
    let kubelet = facts.kubelet.map_or("unknown".into(), |v| v.to_string());
    Some(format!("{node}: kubelet binary {kubelet}; packages {}", packages.join("; ")))
}

/// What the steps that have acted leave, each sentence once with its nodes. Of a step whose op has not ended well, nobody knows how far it came.
fn of_steps(s: &RunState) -> Vec<String> {
    let mut on: BTreeMap<String, Vec<&NodeName>> = BTreeMap::new();
    for step in s.plan.steps().filter(|x| s.steps[&x.id].attempts > 0) {
        let Some(text) = step.kind.step().remains() else { continue };
        let text = match s.steps[&step.id].ever_acted {
            true => text,
            false => format!("it may be, because its step has not ended well: {text}"),
        };
        on.entry(text).or_default().extend(&step.node);
    }
    on.into_iter().map(|(text, nodes)| format!("{text}{}", named(&nodes))).collect()
}

fn named(nodes: &[&NodeName]) -> String {
    let shown: Vec<&str> = nodes.iter().take(SHOWN).map(|n| n.as_str()).collect();
    match nodes.len() {
        0 => String::new(),
        all if all > SHOWN => format!(" (on {} and {} more)", shown.join(", "), all - SHOWN),
        _ => format!(" (on {})", shown.join(", ")),
    }
}
