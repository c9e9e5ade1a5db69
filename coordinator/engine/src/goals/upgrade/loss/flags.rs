//! Flags of the three components. If the target's own kubeadm was asked on a node, its diff counts; otherwise what podlift renders.

use super::{Loss, LossKind, Predicted, by_hand, live_flags};
use crate::analysis::{endpoints, removed};
use crate::goals::PlanInput;
use crate::inventory::NodeEntry;
use crate::kubeadm_config::{ClusterConfiguration, ConfigRepair, NODES_OWN, Renderer};
use crate::program::Prevention;
use podlift_model::command::kinds::STORE;
use podlift_model::command::{Kind, kind};
use podlift_model::flags::{FlagChange, parse_gate};
use podlift_model::op::Component;
use podlift_model::{FlagSet, gates};
use std::collections::{BTreeMap, BTreeSet};

const ETCD_SERVERS: &str = "etcd-servers";
const GATES: &str = "feature-gates";

pub fn predict(input: &PlanInput, config: &ClusterConfiguration, out: &mut Predicted) {
    for component in Component::ALL {
        let mut changed: BTreeSet<String> = BTreeSet::new();
        let mut stores: BTreeMap<String, String> = BTreeMap::new();
        for node in input.inventory.control_planes() {
            let Some(live) = live_flags(node, *component) else { continue };
            for change in changes(input, config, node, *component, live) {
                let origin = config.origin(*component, &change.flag).unwrap_or_else(by_hand);
                if is_store(&change.flag) {
                    *stores.entry(change.to_string()).or_default() += &format!(" {}", node.name);
                }
                changed.insert(change.flag.clone());
                out.add(&node.name, loss(change, origin));
            }
        }
        // Endpoints have their own repair, which considers all nodes together. Flags that lead to another store are never repaired here.
        changed.retain(|flag| !STORE.contains(&flag.as_str()));
        out.store.extend(stores.into_iter().map(|(what, nodes)| {
            format!(
                "{what} on{nodes}: the API servers would start on another store, as if the cluster were empty; put it into apiServer.extraArgs of kubeadm-config"
            )
        }));
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

/// Flags that would be lost, emptied or changed. A new flag takes nothing away, and a flag that the target has removed has to go.
fn changes(
    input: &PlanInput,
    config: &ClusterConfiguration,
    node: &NodeEntry,
    component: Component,
    live: &FlagSet,
) -> Vec<FlagChange> {
    let rendered = config.rendered(component, endpoints::renderer(input.to, node));
    let ours = live.changes_to(component.name(), &rendered);
    let survey = input.surveys.get(&node.name).and_then(|s| s.as_ref().ok());
    let all: Vec<FlagChange> = match survey.and_then(|s| s.target_diff.as_ref()) {
        Some(Ok(diff)) => asked(diff, component, live, &ours),
        _ => ours,
    };
    let matters = |c: &FlagChange| {
        (c.live.as_deref().is_some_and(|l| !l.is_empty() || c.rendered.is_none()) || is_store(&c.flag))
            && !NODES_OWN.contains(&c.flag.as_str())
            && removed::gone(component.name(), &c.flag, input.to.minor()).is_none()
            && match c.flag.as_str() {
                GATES => !lost_gates(input, c).is_empty(),
                ETCD_SERVERS => !same_servers(config, node, c),
                _ => true,
            }
    };
    all.into_iter().filter(matters).collect()
}

/// The kubeadm diff of flags with which this component runs; flags of another container in the same file are ignored. The diff may lack a
/// list that only changes its order, because it does not report moved lines as removed.
fn asked(diff: &[FlagChange], component: Component, live: &FlagSet, ours: &[FlagChange]) -> Vec<FlagChange> {
    let runs = |c: &FlagChange| live.0.contains_key(&c.flag) || (c.live.is_none() && is_store(&c.flag));
    let mine = |c: &&FlagChange| c.component == component.name() && runs(c);
    let mut out: Vec<FlagChange> = Vec::new();
    for change in diff.iter().filter(mine) {
        match live.joined(&change.flag) == change.live {
            true => out.push(change.clone()),
            // The diff is about another process, so what podlift renders counts.
            false => out.extend(ours.iter().find(|c| c.flag == change.flag).cloned()),
        }
    }
    let moved = ours.iter().filter(|c| c.is_reorder() && !out.iter().any(|o| o.flag == c.flag));
    let moved: Vec<FlagChange> = moved.cloned().collect();
    out.extend(moved);
    out
}

/// Flags other than the endpoints whose addition, removal or change means another store.
fn is_store(flag: &str) -> bool {
    STORE.contains(&flag) && flag != ETCD_SERVERS
}

fn same_servers(config: &ClusterConfiguration, node: &NodeEntry, change: &FlagChange) -> bool {
    let text = |t: &Option<String>| t.clone().unwrap_or_default();
    endpoints::same(&text(&change.live), &text(&change.rendered), config.is_stacked(), node)
}

fn items(text: &Option<String>) -> BTreeSet<&str> {
    text.iter().flat_map(|t| t.split(',')).filter(|t| !t.is_empty()).collect()
}

/// Gates that run and would be lost, except those that must go: fatal on the target, or removed by the site's rule.
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

/// Puts the flag where kubeadm reads it, if it has the same value on all nodes.
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
        out.give_up(component, flag, why);
        return;
    };
    if let Some(why) = no_place(input, config, component, flag, values) {
        out.give_up(component, flag, why);
        return;
    }
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

/// Why kubeadm-config can't make kubeadm write the flag as it runs; `None` if it can.
fn no_place(
    input: &PlanInput,
    config: &ClusterConfiguration,
    component: Component,
    flag: &str,
    values: &[String],
) -> Option<String> {
    let repeated = values.len() > 1 && matches!(kind(flag), Some(Kind::Repeated) | None);
    if !repeated {
        return None;
    }
    let shown = values.join(" and ");
    if Renderer::of(input.to).sorts() && !values.is_sorted() {
        return Some(format!(
            "{component}: --{flag} runs as {shown}, in this order, and kubeadm of {} sorts the values that it writes: choose a target whose kubeadm keeps the order (1.32.12, 1.33.8, 1.34.4, 1.35.1 or later), or put the values in sorted order first",
            input.to
        ));
    }
    let field = config.repeats().err()?;
    Some(format!(
        "{component}: --{flag} runs more than once ({shown}), kubeadm-config of v1beta3 has no place for that, and it can't be rewritten as v1beta4 because of {field}: take {field} out of kubeadm-config first"
    ))
}

/// The rendered gates, and those that would be lost.
fn gate_values(
    input: &PlanInput,
    config: &ClusterConfiguration,
    component: Component,
    live: &[String],
) -> Vec<String> {
    let rendered = config.rendered(component, Renderer::of(input.to)).joined(GATES);
    let change = FlagChange {
        component: component.name().into(),
        flag: GATES.into(),
        live: Some(live.join(",")),
        rendered: rendered.clone(),
    };
    let kept = rendered.into_iter().filter(|r| !r.is_empty());
    vec![kept.chain(lost_gates(input, &change)).collect::<Vec<_>>().join(",")]
}
