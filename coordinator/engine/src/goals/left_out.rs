//! Which workers a plan leaves out: those that the operator names, and with `--skip-unready` those that can't be worked on or looked at now.

use super::{PlanError, PlanInput};
use crate::inventory::{NodeEntry, NodeRole};
use crate::program::LeftOut;
use crate::selector::{Keys, Selector};
use podlift_model::NodeName;
use std::collections::BTreeMap;

/// The workers of the request that take no part, sorted by name. The first reason counts.
pub(super) fn of(input: &PlanInput) -> Result<Vec<LeftOut>, PlanError> {
    let mut out: BTreeMap<NodeName, LeftOut> = BTreeMap::new();
    for text in &input.options.without {
        for node in named(input, text)? {
            let why = format!("by the operator: --without {text}");
            let left = LeftOut { node: node.name.clone(), why, unready: false, until: None };
            out.entry(node.name.clone()).or_insert(left);
        }
    }
    for left in deferred(input) {
        out.entry(left.node.clone()).or_insert(left);
    }
    let workers = input.inventory.of_role(NodeRole::Worker).filter(|_| input.options.skip_unready);
    let why = |n: &NodeEntry| unready(n).or_else(|| silent(input, n));
    for (node, why) in workers.filter_map(|n| Some((n, why(n)?))) {
        let why = format!("{why} (--skip-unready)");
        let left = LeftOut { node: node.name.clone(), why, unready: true, until: None };
        out.entry(node.name.clone()).or_insert(left);
    }
    out.retain(|node, _| input.nodes.is_empty() || input.nodes.contains(node));
    Ok(out.into_values().collect())
}

/// Workers that an earlier run has deferred until a time that has not come. A request that names the node takes it all the same.
fn deferred(input: &PlanInput) -> impl Iterator<Item = LeftOut> {
    let workers = input.inventory.of_role(NodeRole::Worker).filter(|n| !input.nodes.contains(&n.name));
    workers.filter_map(|n| {
        let deferral = input.earlier.deferred.get(&n.name)?;
        let until = deferral.until.filter(|until| *until > input.now)?;
        let why = format!("deferred in run {}: {}", deferral.run, deferral.reason);
        Some(LeftOut { node: n.name.clone(), why, unready: false, until: Some(until) })
    })
}

/// Why a worker can't be worked on now.
pub(super) fn unready(node: &NodeEntry) -> Option<String> {
    match (node.view.ready, node.facts.is_some(), node.view.unschedulable) {
        (false, _, _) => Some(format!("not Ready: {}", node.view.ready_message)),
        (_, false, _) => Some("no agent of it is connected".into()),
        // A cordon that an ended run has left is taken over.
        (_, _, true) if node.view.cordon_owner().is_none_or(|owner| !owner.over) => {
            Some("cordoned by somebody else".into())
        }
        _ => None,
    }
}

/// Why nothing is known of a worker whose agent is connected: it answers no question about packages, and gives no survey.
fn silent(input: &PlanInput, node: &NodeEntry) -> Option<String> {
    let survey = input.surveys.get(&node.name)?.as_ref().err()?;
    input.offers.get(&node.name)?.as_ref().err()?;
    Some(format!("it could not be looked at: {survey}"))
}

/// The workers that a name or a selector means.
fn named<'a>(input: &'a PlanInput, text: &str) -> Result<Vec<&'a NodeEntry>, PlanError> {
    let by_name = input.inventory.nodes.iter().find(|n| n.name.as_str() == text);
    match by_name {
        Some(node) if node.role == NodeRole::ControlPlane => {
            return Err(PlanError::WithoutServer { node: node.name.clone() });
        }
        Some(node) => return Ok(vec![node]),
        None => {}
    }
    let selector: Selector =
        text.parse().map_err(|why| PlanError::BadSelector { text: text.into(), why: format!("{why}") })?;
    let workers = input.inventory.of_role(NodeRole::Worker);
    let chosen: Vec<&NodeEntry> = workers.filter(|n| selector.matches(&keys(n))).collect();
    match chosen.is_empty() {
        true => Err(PlanError::WithoutNobody { text: text.into() }),
        false => Ok(chosen),
    }
}

/// Labels of the node; the keys that are no labels hide labels of the same name.
fn keys(node: &NodeEntry) -> Keys {
    let mut keys: Keys = node.view.labels.clone();
    let own = [
        ("name", node.name.to_string()),
        ("ready", node.view.ready.to_string()),
        ("connected", node.facts.is_some().to_string()),
    ];
    keys.extend(own.map(|(key, value)| (key.to_string(), value)));
    keys
}
