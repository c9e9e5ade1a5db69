//! Flags of the three components. Where the target's own kubeadm was asked on a node, its difference counts; otherwise what we render.

use super::{Loss, LossKind, Predicted, by_hand, live_flags};
use crate::inventory::NodeEntry;
use crate::kubeadm_config::{ClusterConfiguration, ConfigRepair, NODES_OWN};
use crate::plan::{PlanInput, Prevention};
use podlift_model::flags::{FlagChange, parse_gate};
use podlift_model::op::Component;
use podlift_model::{FlagSet, gates};
use std::collections::BTreeSet;

const ETCD_SERVERS: &str = "etcd-servers";
const GATES: &str = "feature-gates";

pub fn predict(input: &PlanInput, config: &ClusterConfiguration, out: &mut Predicted) {
    for component in Component::ALL {
        let mut changed: BTreeSet<String> = BTreeSet::new();
        for node in input.inventory.control_planes() {
            let Some(live) = live_flags(node, *component) else { continue };
            for change in changes(input, config, node, *component, live) {
                let origin = config.origin(*component, &change.flag).unwrap_or_else(by_hand);
                changed.insert(change.flag.clone());
                out.add(&node.name, loss(change, origin));
            }
        }
        // Endpoints have a repair of their own, which looks at all nodes together.
        changed.remove(ETCD_SERVERS);
        for flag in changed {
            repair(input, config, *component, &flag, out);
        }
    }
}

fn loss(change: FlagChange, origin: String) -> Loss {
    Loss {
        nodes: vec![],
        component: change.component,
        kind: LossKind::Flag,
        name: change.flag,
        live: change.live.unwrap_or_default(),
        becomes: change.rendered,
        origin,
    }
}

/// What would be lost, emptied or changed. A flag that is new takes nothing away.
fn changes(
    input: &PlanInput,
    config: &ClusterConfiguration,
    node: &NodeEntry,
    component: Component,
    live: &FlagSet,
) -> Vec<FlagChange> {
    let survey = input.surveys.get(&node.name).and_then(|s| s.as_ref().ok());
    let all: Vec<FlagChange> = match survey.and_then(|s| s.target_diff.as_ref()) {
        Some(Ok(diff)) => diff.iter().filter(|c| c.component == component.name()).cloned().collect(),
        _ => live.changes_to(component.name(), &config.rendered(component)),
    };
    let matters = |c: &FlagChange| {
        c.live.as_deref().is_some_and(|l| !l.is_empty() || c.rendered.is_none())
            && !NODES_OWN.contains(&c.flag.as_str())
            && match c.flag.as_str() {
                GATES => !lost_gates(input, c).is_empty(),
                ETCD_SERVERS => items(&c.live) != items(&c.rendered),
                _ => true,
            }
    };
    all.into_iter().filter(matters).collect()
}

fn items(text: &Option<String>) -> BTreeSet<&str> {
    text.iter().flat_map(|t| t.split(',')).filter(|t| !t.is_empty()).collect()
}

/// Gates that run and would not be there, except those that must go: fatal on the target, or by the site's rule.
fn lost_gates(input: &PlanInput, change: &FlagChange) -> Vec<String> {
    let kept = items(&change.rendered);
    let must_go = |item: &str| {
        parse_gate(item).is_some_and(|(gate, value)| {
            input.options.site_gates.contains(&gate)
                || gates::fatal_text(&gate, value, input.to.minor()).is_some()
        })
    };
    let lost = items(&change.live).into_iter().filter(|g| !kept.contains(g) && !must_go(g));
    lost.map(String::from).collect()
}

/// Puts the flag where kubeadm reads it, if all nodes run with the same value.
fn repair(
    input: &PlanInput,
    config: &ClusterConfiguration,
    component: Component,
    flag: &str,
    out: &mut Predicted,
) {
    let live: Vec<(&NodeEntry, Option<&Vec<String>>)> = input
        .inventory
        .control_planes()
        .filter_map(|n| Some((n, live_flags(n, component)?.0.get(flag))))
        .collect();
    let distinct: BTreeSet<Option<&Vec<String>>> = live.iter().map(|(_, v)| *v).collect();
    let one = distinct.iter().next().copied().flatten().filter(|_| distinct.len() == 1);
    let Some(values) = one else {
        let shown: Vec<String> = live
            .iter()
            .map(|(n, v)| format!("{}: {}", n.name, v.map_or("absent".into(), |v| v.join(","))))
            .collect();
        let why = format!(
            "{component}: control-plane nodes disagree on --{flag} ({}), and the upgrade would make it the same on all",
            shown.join("; ")
        );
        out.unrepairable.push(why);
        return;
    };
    let values = if flag == GATES { gate_values(input, config, component, values) } else { values.clone() };
    let origin = config.origin(component, flag).unwrap_or_else(by_hand);
    out.prevented.push(Prevention {
        id: "flag-lost".into(),
        component: component.into(),
        what: format!("kubeadm would not write --{flag} as it runs ({}); {origin}", values.join(",")),
        repair: ConfigRepair::SetArg { component, name: flag.into(), values },
        site_rule: false,
    });
}

/// What is rendered stays, what would be lost is added to it.
fn gate_values(
    input: &PlanInput,
    config: &ClusterConfiguration,
    component: Component,
    live: &[String],
) -> Vec<String> {
    let rendered = config.rendered(component).joined(GATES);
    let change = FlagChange {
        component: component.name().into(),
        flag: GATES.into(),
        live: Some(live.join(",")),
        rendered: rendered.clone(),
    };
    let kept = rendered.into_iter().filter(|r| !r.is_empty());
    vec![kept.chain(lost_gates(input, &change)).collect::<Vec<_>>().join(",")]
}
