//! The parts of a node's heal that need a person: findings without a repair, repairs that another program undoes, and missing protection.

use crate::render::timestamp;
use podlift_engine::view::HealNode;
use podlift_model::heal::{HealFacts, HealFile, HealFinding};

/// Under a heading; empty where there is nothing.
pub(super) fn attention(nodes: &[&HealNode]) -> String {
    let lines =
        nodes.iter().flat_map(|n| of(n).into_iter().map(move |text| format!("  {} {text}\n", n.node)));
    let lines: String = lines.collect();
    if lines.is_empty() { String::new() } else { format!("\nNeeds attention:\n{lines}\n") }
}

/// A sentence for each thing.
pub(super) fn of(node: &HealNode) -> Vec<String> {
    let Some(heal) = &node.heal else { return vec![] };
    let findings = heal.findings.iter().map(finding);
    let files = heal.files.iter().flat_map(|f| opaque(f).into_iter().chain(unlearned(f)).chain(fight(f)));
    findings.chain(forbidden(heal)).chain(files).collect()
}

fn finding(f: &HealFinding) -> String {
    let why = f.report_only.as_ref().map_or(String::new(), |why| format!("; not repaired: {why}"));
    format!("{} {}: {}{why}", f.file, f.rule, f.what)
}

fn forbidden(heal: &HealFacts) -> Option<String> {
    let why = heal.expectations.as_ref()?.forbidden.as_ref()?;
    Some(format!("the heal does not use the learned etcd endpoints: {why}"))
}

fn opaque(f: &HealFile) -> Option<String> {
    let why = f.opaque.as_ref()?;
    Some(format!("{}: {why}; the heal neither learns from it nor changes it", f.file))
}

/// Why a file is not learned; `None` for an opaque file, which has a line of its own.
fn unlearned(f: &HealFile) -> Option<String> {
    let unlearned = f.unlearned.as_ref().filter(|_| f.opaque.is_none())?;
    Some(format!("{}: not learned since {}: {}", f.file, timestamp(unlearned.since), unlearned.why))
}

fn fight(f: &HealFile) -> Option<String> {
    let fight = f.fight.as_ref()?;
    Some(format!(
        "{}: its repairs are undone since {} by {}; the heal leaves it alone until a run arms its guard again",
        f.file,
        timestamp(fight.since),
        fight.by
    ))
}
