//! Everything that was decided, prevented, repaired or left, one list each.

use super::section;
use crate::render::deviations;
use crate::render::report::issues::decision;
use crate::render::timestamp;
use maud::{Markup, html};
use podlift_engine::view::Report;
use podlift_model::count;

pub(super) fn lists(r: &Report) -> Markup {
    html! {
        (section("Prevented", &prevented(r)))
        (heals(r))
        (section("Decisions of people", &decisions(r)))
        (section("Different from before", &differences(r)))
        (section("Other than the runbook", &texts(&deviations::lines(r))))
        (section("Left out", &left_out(r)))
        (section("Ops with an unknown end", &texts(&r.indeterminate)))
        (section("Taken back by the abort", &texts(&r.undone)))
        (section("Left in place by the abort", &texts(&r.left)))
        (section("Backup", &backup(r)))
    }
}

fn texts(all: &[String]) -> Vec<Markup> {
    all.iter().map(|text| html! { (text) }).collect()
}

fn prevented(r: &Report) -> Vec<Markup> {
    let site = |is: bool| if is { " (a rule of this site)" } else { "" };
    r.prevented.iter().map(|p| html! { strong { (p.id) } (site(p.site_rule)) ": " (p.what) }).collect()
}

/// Changes of manifests by the agents, each with its diff.
fn heals(r: &Report) -> Markup {
    html! {
        @if !r.heals.is_empty() {
            section {
                h2 { "Repaired by the agents" }
                @for heal in &r.heals {
                    details {
                        summary { (timestamp(heal.at)) " " (heal.node) ": " (heal.rule) " in " code { (heal.file) } ", after " (heal.latency_us) " µs" }
                        pre tabindex="0" { (heal.diff) }
                    }
                }
            }
        }
    }
}

fn decisions(r: &Report) -> Vec<Markup> {
    let waivers = r.waivers.iter().map(|w| {
        let lifted = r.lifted_waivers.iter().find(|l| l.check == w.check);
        html! {
            (w.by) " waived " code { (w.check) } ": " (w.reason)
            @if let Some(end) = lifted { "; lifted by " (end.by) " at " (timestamp(end.at)) }
        }
    });
    let approvals =
        r.approvals.iter().map(|a| html! { (a.by) " approved " (a.what) " at " (timestamp(a.at)) });
    let attested = r.attestations.iter().map(|a| {
        html! { (a.by) " attested " code { (a.id) } " at " (timestamp(a.at)) @if !a.note.is_empty() { ": " (a.note) } }
    });
    let items = r.items.iter().map(|(item, word)| html! { (decision(item, word)) });
    let overridden = r.overridden.iter().map(|o| {
        html! { (o.by) " let " (o.node) " be changed at " (timestamp(o.at)) " although its devices were in use: " (o.reason) }
    });
    let lost = r.lost.iter().map(|(node, by)| html! { (by) " declared " (node) " lost" });
    let flags = r
        .accepted_losses
        .iter()
        .map(|l| html! { "The loss of " code { "--" (l.flag) } " of " (l.component) " is accepted" });
    waivers.chain(approvals).chain(items).chain(attested).chain(overridden).chain(lost).chain(flags).collect()
}

fn differences(r: &Report) -> Vec<Markup> {
    let one = |f: &podlift_engine::program::Finding| {
        html! { @if let Some(node) = &f.node { (node) ": " } (f.evidence) @if !f.next.is_empty() { " (" code { (f.next) } ")" } }
    };
    r.differences.iter().flatten().map(one).collect()
}

fn left_out(r: &Report) -> Vec<Markup> {
    r.left_out.iter().map(|out| html! { (out.node) ": " (out.why) }).collect()
}

fn backup(r: &Report) -> Vec<Markup> {
    let Some(b) = &r.backup else { return vec![] };
    let secrets = if b.encrypted { "secrets encrypted" } else { "secrets left out" };
    let set = html! {
        (b.set) ": " (count(b.members, "file")) ", " (b.bytes) " bytes, " (secrets) "; " code { "podlift backup verify " (b.set) }
    };
    std::iter::once(set).chain(texts(&b.warnings)).collect()
}
