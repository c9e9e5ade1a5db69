//! Whether heal guards each control-plane node: it has learned what the manifests must contain, and nothing forbids it to use that.

use super::View;
use crate::program::{Finding, Severity, finding};
use podlift_model::NodeFacts;
use podlift_model::heal::{HealFacts, HealMode};

const LEARNED: &str = "heal-learned";
const FORBIDDEN: &str = "heal-forbidden";
/// Seconds. A shorter delay may still end without intervention.
const PATIENCE: i64 = 600;

pub fn check(view: &View) -> Vec<Finding> {
    let facts = view.input.inventory.control_planes().filter_map(|n| n.facts.as_ref());
    let told = facts.filter_map(|f| Some((f, f.heal.as_deref()?))).filter(|(_, h)| h.mode != HealMode::Off);
    told.flat_map(|(f, heal)| forbidden(f, heal).into_iter().chain(unlearned(view, f, heal))).collect()
}

/// etcd was moved, or another cluster answers at its endpoints. Only an operator can decide which is right.
fn forbidden(facts: &NodeFacts, heal: &HealFacts) -> Option<Finding> {
    let why = heal.expectations.as_ref()?.forbidden.as_ref()?;
    let evidence = format!("nothing is healed from the etcd endpoints that were learned: {why}");
    let next = format!("podlift heal accept {} kube-apiserver", facts.node);
    Some(finding(FORBIDDEN, Severity::Blocker, Some(&facts.node), evidence, &next))
}

fn unlearned(view: &View, facts: &NodeFacts, heal: &HealFacts) -> Vec<Finding> {
    let now = view.input.now.as_second();
    let next = format!("podlift heal status {}", facts.node);
    let warn = |evidence| finding(LEARNED, Severity::Warning, Some(&facts.node), evidence, &next);
    let old = heal.files.iter().filter_map(|f| Some((f, f.unlearned.as_ref()?)));
    let mut out: Vec<Finding> = old
        .filter(|(_, u)| now - u.since.as_second() > PATIENCE)
        .map(|(f, u)| {
            let minutes = (now - u.since.as_second()) / 60;
            let minutes = podlift_model::count(minutes, "minute");
            warn(format!("the heal has learned nothing of {} for {minutes}: {}", f.file, u.why))
        })
        .collect();
    if out.is_empty() && heal.expectations.is_none() && serves(view, facts) && !young(view, heal) {
        out.push(warn(
            "the heal has learned nothing, though the API server is ready: nothing guards it".into(),
        ));
    }
    out
}

fn serves(view: &View, facts: &NodeFacts) -> bool {
    view.input.probes.iter().any(|p| p.ok && Some(&p.endpoint) == facts.advertise.as_ref())
}

/// Whether the heal reports that its unlearned state began recently.
fn young(view: &View, heal: &HealFacts) -> bool {
    let mut since = heal.files.iter().filter_map(|f| f.unlearned.as_ref());
    since.any(|u| view.input.now.as_second() - u.since.as_second() <= PATIENCE)
}
