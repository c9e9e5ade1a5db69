//! A waiver of one loss names a loss that this plan has. A name that was mistyped would waive nothing, and would say so nowhere.

use crate::analysis::root_cause::RootCause;
use crate::goals::{PlanError, PlanInput};
use crate::kubeadm_config::{ClusterConfiguration, ConfigRepair};
use crate::listed::listed;
use crate::program::{Loss, Waiver, loss_item};
use std::collections::BTreeSet;

/// Number of items that an error lists.
const LISTED: usize = 5;

pub(in crate::goals) fn check(
    input: &PlanInput,
    cause: &RootCause,
    losses: &[Loss],
) -> Result<(), PlanError> {
    let config = input.kubeadm_config.as_ref().ok();
    if config.and_then(|c| ClusterConfiguration::parse(&c.cluster_configuration).ok()).is_none() {
        // Nothing could be predicted, and the plan is blocked for that reason.
        return Ok(());
    }
    let known = all(cause, losses);
    let asked = input.waivers.iter().filter(|w| w.item().is_some());
    if let Some((waiver, why)) = asked.clone().find_map(|w| Some((w, several(w, losses)?))) {
        return Err(PlanError::BadItem { check: waiver.check.clone(), why });
    }
    match asked.map(|w| &w.check).find(|check| !known.contains(*check)) {
        None => Ok(()),
        Some(check) => Err(PlanError::BadItem { check: check.clone(), why: why(&known) }),
    }
}

/// Why an item does not name one loss: it has no component, and several components of the node lose a flag of this name.
fn several(waiver: &Waiver, losses: &[Loss]) -> Option<String> {
    let (node, flag) = waiver.item()?;
    let mine = losses.iter().filter(|l| l.name == flag && l.nodes.iter().any(|n| n.as_str() == node));
    let components: BTreeSet<&str> = mine.map(|l| l.component.as_str()).collect();
    (components.len() > 1).then(|| {
        let names: Vec<&str> = components.into_iter().collect();
        format!(
            "{} would lose it on {node}, and the item has no component: repair kubeadm-config for the one that is to keep it, or leave the waiver out",
            names.join(" and ")
        )
    })
}

/// The losses that a waiver can accept: those that nothing repairs, and those that a repair of kubeadm-config prevents.
fn all(cause: &RootCause, losses: &[Loss]) -> BTreeSet<String> {
    let lost = cause.unrepairable.iter().filter(|u| !u.name.is_empty());
    let lost = lost.flat_map(|u| u.nodes.iter().map(|node| loss_item(node, &u.name)));
    let prevented = cause.prevented.iter().filter_map(|p| match &p.repair {
        ConfigRepair::SetArg { component, name, .. } | ConfigRepair::SetEnv { component, name, .. } => {
            Some((component.name(), name))
        }
        _ => None,
    });
    let prevented = prevented.flat_map(|(component, name)| {
        let mine = losses.iter().filter(move |l| l.component == component && l.name == *name);
        mine.flat_map(|l| l.nodes.iter().map(|node| loss_item(node, &l.name)))
    });
    lost.chain(prevented).collect()
}

fn why(known: &BTreeSet<String>) -> String {
    if known.is_empty() {
        return "this upgrade loses no setting that can be waived: leave the waiver out".into();
    }
    format!(
        "this upgrade has no such loss: expected one of {}, or leave the waiver out",
        listed(known, LISTED)
    )
}
