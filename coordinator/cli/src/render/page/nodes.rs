//! The summary of the runbook (component, before, after, what was met), and the nodes as a table.

use crate::render::folded::{folded, within};
use crate::render::{duration, version};
use maud::{Markup, html};
use podlift_engine::inventory::NodeRole;
use podlift_engine::view::Report;
use podlift_engine::view::report::NodeReport;
use podlift_model::{KubeVersion, count};
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn summary(r: &Report) -> Markup {
    let roles = [(NodeRole::ControlPlane, "Control plane"), (NodeRole::Worker, "Workers")];
    html! {
        section {
            h2 { "Summary" }
            table {
                thead { tr { th scope="col" { "component" } th scope="col" { "before" } th scope="col" { "after" } th scope="col" { "what was met" } } }
                tbody {
                    @for (role, name) in roles {
                        @let of: Vec<&NodeReport> = r.nodes.iter().filter(|n| n.role == role).collect();
                        @if !of.is_empty() {
                            tr {
                                th scope="row" { (name) " (" (of.len()) ")" }
                                td { (versions(of.iter().map(|n| n.from))) }
                                td { (versions(of.iter().map(|n| n.to))) }
                                td { (met(r, role)) }
                            }
                        }
                    }
                    @if let Some(bcm) = &r.bcm {
                        @for image in &bcm.images {
                            tr {
                                th scope="row" { "Software image, " (image.role) }
                                td { (image.from) }
                                td { (image.image) }
                                td { "assigned to " (count(image.assigned.len(), "node")) @if !image.ready { ", not on all provisioners" } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn versions(all: impl Iterator<Item = Option<KubeVersion>>) -> String {
    let all: BTreeSet<String> = all.map(version).collect();
    all.into_iter().collect::<Vec<_>>().join(", ")
}

/// What went other than planned on nodes of a role.
fn met(r: &Report, role: NodeRole) -> String {
    let of = |name| r.nodes.iter().any(|n| n.role == role && n.name == name);
    let heals = r.heals.iter().filter(|h| of(h.node.clone())).count();
    let mut parts: Vec<String> = vec![];
    for result in ["failed", "lost", "deferred", "unfinished"] {
        let nodes = r.nodes.iter().filter(|n| n.role == role && n.result == result).count();
        if nodes > 0 {
            parts.push(format!("{nodes} {result}"));
        }
    }
    if heals > 0 {
        parts.push(format!("{} repaired", count(heals, "manifest")));
    }
    if parts.is_empty() { "nothing".into() } else { parts.join(", ") }
}

/// Nodes with the same end are one row.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Kind<'a> {
    role: NodeRole,
    result: &'a str,
    from: Option<KubeVersion>,
    to: Option<KubeVersion>,
    reason: Option<&'a str>,
}

/// Characters of names before they are folded away.
const NAMES: usize = 60;

pub(super) fn nodes(r: &Report) -> Markup {
    let mut kinds: BTreeMap<Kind, Vec<&NodeReport>> = BTreeMap::new();
    for n in &r.nodes {
        let kind =
            Kind { role: n.role, result: &n.result, from: n.from, to: n.to, reason: n.reason.as_deref() };
        kinds.entry(kind).or_default().push(n);
    }
    html! {
        section {
            h2 { "Nodes" }
            table {
                thead { tr {
                    th scope="col" { "nodes" } th scope="col" { "role" } th scope="col" { "from" } th scope="col" { "to" }
                    th scope="col" { "result" } th scope="col" { "unavailable" }
                } }
                tbody { @for (kind, nodes) in &kinds { (row(kind, nodes)) } }
            }
        }
    }
}

fn row(kind: &Kind, nodes: &[&NodeReport]) -> Markup {
    let names = || nodes.iter().map(|n| &n.name);
    let (all, some) = (folded(names()), within(names(), NAMES));
    html! {
        tr {
            th scope="row" {
                @if all == some { (all) } @else { details { summary { (some) } (all) } }
            }
            td { (kind.role) }
            td { (version(kind.from)) }
            td { (version(kind.to)) }
            td { (kind.result) @if let Some(reason) = kind.reason { p.why { (reason) } } }
            td.number { (away(nodes)) }
        }
    }
}

/// `4 m 10 s`, or the median and the longest of several nodes.
fn away(nodes: &[&NodeReport]) -> String {
    let mut times: Vec<f64> = nodes.iter().map(|n| n.unavailable_seconds).filter(|s| *s > 0.0).collect();
    times.sort_by(f64::total_cmp);
    match times.as_slice() {
        [] => "-".into(),
        [one] => duration(*one),
        [.., longest] => format!("{}, at most {}", duration(times[times.len() / 2]), duration(*longest)),
    }
}
