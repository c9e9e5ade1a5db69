//! Where displaced work goes: whether each pod that would be evicted finds its devices on another node that it may use. Only the fullest
//! workers that may be away at once are looked at, because no other batch is worse.

use super::View;
use crate::inventory::{NodeEntry, NodeRole};
use crate::placement::{Lack, Place, Standing, place};
use crate::program::{Finding, Severity, finding};
use crate::survey::{Hardware, PodView};
use podlift_model::{NodeName, count};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

pub const ID: &str = "room-elsewhere";

pub fn check(view: &View) -> Vec<Finding> {
    let Some(seen) = view.cluster().filter(|_| view.input.options.batches.is_some()) else { return vec![] };
    let (Ok(all), Ok(hardware)) = (&seen.pods, &seen.hardware) else { return vec![] };
    let pods = with_devices(all);
    let away = fullest(view, &pods);
    let displaced: Vec<&PodView> = away.iter().flat_map(|node| displaced(&pods, node)).collect();
    let mut places = places(view, hardware, &pods, &away);
    let without = place(&displaced, &mut places, standing(view, all, &away));
    found(away.len(), displaced.len(), &without).into_iter().collect()
}

type OnNodes<'a> = BTreeMap<&'a NodeName, Vec<&'a PodView>>;

/// Pods that hold devices, by their node.
fn with_devices(pods: &[PodView]) -> OnNodes<'_> {
    let mut out = OnNodes::new();
    let held = pods.iter().filter(|p| !p.finished && !p.requests.is_empty());
    for (pod, node) in held.filter_map(|p| Some((p, p.node.as_ref()?))) {
        out.entry(node).or_default().push(pod);
    }
    out
}

/// Those of a node that a drain evicts, and that come again.
fn displaced<'a>(pods: &OnNodes<'a>, node: &NodeName) -> impl Iterator<Item = &'a PodView> {
    let here = pods.get(node).cloned().unwrap_or_default();
    here.into_iter().filter(|pod| pod.evicted() && pod.owner.is_some())
}

/// Of the workers of the run, as many as may be away at once: those that displace the most devices.
fn fullest<'a>(view: &View<'a>, pods: &OnNodes) -> BTreeSet<&'a NodeName> {
    let devices = |node: &NodeName| displaced(pods, node).flat_map(|p| p.requests.values()).sum::<u64>();
    let workers = view.input.inventory.of_role(NodeRole::Worker).map(|n| &n.name);
    let mut workers: Vec<(u64, &NodeName)> = workers
        .filter(|n| view.chosen(n))
        .map(|n| (devices(n), n))
        .filter(|(devices, _)| *devices > 0)
        .collect();
    workers.sort_by_key(|(devices, node)| (Reverse(*devices), *node));
    workers.truncate(view.input.options.max_unavailable as usize);
    workers.into_iter().map(|(_, node)| node).collect()
}

/// The pods that stay where they are, with or without devices: others may want to be near them or away from them.
fn standing<'a>(view: &View<'a>, pods: &'a [PodView], away: &BTreeSet<&NodeName>) -> Standing<'a> {
    let stays = |pod: &PodView, node: &NodeName| !(pod.finished || pod.evicted() && away.contains(node));
    Standing::of(pods.iter().filter_map(|pod| {
        let node = pod.node.as_ref().filter(|node| stays(pod, node))?;
        Some((pod, &view.input.inventory.get(node)?.view.labels))
    }))
}

/// The nodes that stay, with what is free on them.
fn places<'a>(
    view: &View<'a>,
    hardware: &'a BTreeMap<NodeName, Hardware>,
    pods: &OnNodes,
    away: &BTreeSet<&NodeName>,
) -> Vec<Place<'a>> {
    let stays = |n: &&NodeEntry| n.view.ready && !n.view.unschedulable && !away.contains(&n.name);
    let nodes = view.input.inventory.nodes.iter().filter(stays);
    let of = |node: &'a NodeEntry| {
        let offered = &hardware.get(&node.name)?.allocatable;
        // Devices are counted; an amount with a unit is of something else.
        let offers: BTreeMap<&str, u64> =
            offered.iter().filter_map(|(resource, n)| Some((resource.as_str(), n.parse().ok()?))).collect();
        let mut free = offers.clone();
        for (resource, amount) in pods.get(&node.name).into_iter().flatten().flat_map(|p| &p.requests) {
            if let Some(left) = free.get_mut(resource.as_str()) {
                *left = left.saturating_sub(*amount);
            }
        }
        Some(Place {
            name: node.name.as_str(),
            labels: &node.view.labels,
            taints: &node.view.taints,
            offers,
            free,
        })
    };
    nodes.filter_map(of).collect()
}

fn found(away: usize, displaced: usize, without: &[(&PodView, Lack)]) -> Option<Finding> {
    let lacking = |lack: Lack| without.iter().filter(move |(_, l)| *l == lack).map(|(pod, _)| *pod);
    let [node, beside, room] = [Lack::Node, Lack::Pods, Lack::Room].map(|lack| lacking(lack).count());
    let first = [Lack::Node, Lack::Pods, Lack::Room].into_iter().find_map(|lack| lacking(lack).next())?;
    let workers = match away {
        1 => "the fullest worker is".to_string(),
        more => format!("the fullest {} are", count(more, "worker")),
    };
    let mut why = vec![];
    if room > 0 {
        why.push(format!("{room} because the devices of the others are in use"));
    }
    if beside > 0 {
        why.push(format!(
            "{beside} because the pods on the nodes that would do exclude it (required affinity and anti-affinity between pods)"
        ));
    }
    if node > 0 {
        why.push(format!(
            "{node} because no other node has what they ask for (labels, taints, kind of devices)"
        ));
    }
    let evidence = format!(
        "while {workers} away, there is no place for {} of {} with devices, which wait until nodes are back: {}; for example {}/{}",
        without.len(),
        count(displaced, "evicted pod"),
        why.join(", "),
        first.namespace,
        first.name
    );
    let severity = if node + beside > 0 { Severity::Warning } else { Severity::Note };
    Some(finding(ID, severity, None, evidence, ""))
}
