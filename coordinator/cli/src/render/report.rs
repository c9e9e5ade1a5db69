//! `podlift report -o md`: what happened in a run, for its sign-off.

mod images;
pub(crate) mod issues;
mod work;

use super::{duration, reads, timestamp};
use podlift_engine::doors::{BackupView, VIP};
use podlift_engine::machine::{Approval, Overridden};
use podlift_engine::program::{Attestation, Finding, GoalName, Prevention, Waiver};
use podlift_engine::view::{FailedNode, Report};
use podlift_model::KubeVersion;
use podlift_model::op::FlagLoss;
use std::fmt::Write as _;

pub(crate) fn markdown(r: &Report) -> String {
    let what = match r.goal {
        GoalName::Upgrade => format!("Upgrade {} to {}", r.from, r.to),
        GoalName::Repair => format!("Repair at {}", r.to),
    };
    let mut out = format!("# {what}: {}\n\n", r.result);
    let _ = writeln!(
        out,
        "Run {}, started by {} at {}, {}.",
        r.run,
        r.by,
        timestamp(r.started_at),
        duration(r.seconds)
    );
    let _ = writeln!(out, "Journal: {}.", podlift_model::count(r.journal_events, "event"));
    if let Some(stop) = &r.paused {
        let _ = writeln!(out, "\n**Paused:** {}\n\nNext: `{}`", stop.message, stop.next);
        if !stop.detail.is_empty() {
            let _ = writeln!(out, "\n```\n{}\n```", stop.detail);
        }
    }
    out += &checks(r);
    out += &issues::beyond_steps(r);
    out += &issues::issues(r);
    out += &nodes(r);
    out += &work::batches(r);
    out += &work::interrupted(r);
    out += &images::images(r);
    out += &without(r);
    out += &outage(r);
    out += &issues::other_probes(r);
    out += &issues::validation(r);
    out += &list("Prevented", r.prevented.iter().map(prevention));
    out += &list("Attested", r.attestations.iter().map(attestation));
    out += &list("Not attested", r.unattested.iter().cloned());
    out += &list("Backup", r.backup.iter().flat_map(backup));
    out += &differences(r);
    let heal = |h: &podlift_engine::view::report::HealReport| {
        format!("{} {} `{}` ({}), {} µs", timestamp(h.at), h.node, h.file, h.rule, h.latency_us)
    };
    out += &list("Heals", r.heals.iter().map(heal));
    out += &list("Waivers", r.waivers.iter().map(|w| waiver(r, w)));
    out += &list("Approvals", r.approvals.iter().map(approval));
    out += &issues::decisions(r);
    let overridden = |o: &Overridden| format!("{} by {} at {}: {}", o.node, o.by, timestamp(o.at), o.reason);
    out += &list("Changed although devices were in use", r.overridden.iter().map(overridden));
    let lost = |l: &FlagLoss| format!("`--{}` of {}", l.flag, l.component);
    out += &list("Flags whose loss is accepted", r.accepted_losses.iter().map(lost));
    out += &list("Other than the runbook", crate::render::deviations::lines(r).into_iter());
    out += &list("Ops with an unknown end", r.indeterminate.iter().cloned());
    out += &list("Reverted by the abort", r.undone.iter().cloned());
    out += &list("Left in place by the abort", r.left.iter().cloned());
    out + &issues::findings(r.note.as_ref())
}

fn checks(r: &Report) -> String {
    let mut out = "\n## Sign-off\n\n| | check | result | evidence |\n|---|---|---|---|\n".to_string();
    for c in &r.checks {
        // Only what passed is ticked: what is open or failed needs a person.
        let tick = if c.result == "passed" { "[x]" } else { "[ ]" };
        let _ = writeln!(out, "| {tick} | {} | {} | {} |", c.id, c.result, cell(&c.evidence));
    }
    out
}

fn nodes(r: &Report) -> String {
    let version = |v: Option<KubeVersion>| v.map_or("-".into(), |v| v.to_string());
    let mut out = "\n## Nodes\n\n| node | role | from | to | result | phases | unavailable |\n|---|---|---|---|---|---|---|\n".to_string();
    for n in &r.nodes {
        let phases: Vec<String> =
            n.phases.iter().map(|p| format!("{} {}", p.name, duration(p.seconds))).collect();
        let (from, to, away) = (version(n.from), version(n.to), duration(n.unavailable_seconds));
        let _ = writeln!(
            out,
            "| {} | {} | {from} | {to} | {} | {} | {away} |",
            n.name,
            n.role,
            n.result,
            phases.join(", ")
        );
    }
    out
}

/// Nodes without which the run ended, each with the reason.
fn without(r: &Report) -> String {
    let failed = |n: &FailedNode| {
        let left = if n.cordoned { "left cordoned" } else { "not cordoned" };
        format!("{} at `{}`, {left}: {}", n.name, n.step, n.reason.message)
    };
    let mut out = list("Failed workers", r.failed.iter().map(failed));
    out += &list("Left out by the plan", r.left_out.iter().map(|out| format!("{}: {}", out.node, out.why)));
    out + &list("Lost", r.lost.iter().map(|(node, by)| format!("{node}, declared by {by}")))
}

fn outage(r: &Report) -> String {
    let mut out =
        "\n## API servers\n\n| endpoint | away | while the control plane was changed |\n|---|---|---|\n"
            .to_string();
    let counts = |endpoint: &str| r.api_outage.reads.get(endpoint).map_or("-".into(), reads);
    let _ = writeln!(out, "| shared address | {:.1} s | {} |", r.api_outage.vip_seconds, cell(&counts(VIP)));
    for (endpoint, seconds) in &r.api_outage.endpoints {
        let _ = writeln!(out, "| {endpoint} | {seconds:.1} s | {} |", cell(&counts(endpoint)));
    }
    out
}

/// A waiver that is not in force any more says so.
fn waiver(r: &Report, w: &Waiver) -> String {
    let lifted = r.lifted_waivers.iter().find(|l| l.check == w.check);
    let end = lifted.map(|l| format!("; lifted by {} at {}", l.by, timestamp(l.at))).unwrap_or_default();
    format!("{} by {}: {}{end}", w.check, w.by, w.reason)
}

fn approval(a: &Approval) -> String {
    format!("{} by {} at {}", a.what, a.by, timestamp(a.at))
}

fn prevention(p: &Prevention) -> String {
    format!("{}{}: {}", p.id, if p.site_rule { " (site rule)" } else { "" }, p.what)
}

fn attestation(a: &Attestation) -> String {
    let note = if a.note.is_empty() { String::new() } else { format!(": {}", a.note) };
    format!("{} by {} at {}{note}", a.id, a.by, timestamp(a.at))
}

fn backup(b: &BackupView) -> Vec<String> {
    let secrets = if b.encrypted { "secrets encrypted" } else { "secrets left out" };
    let set = format!(
        "{}: {}, {} bytes, {secrets}, `podlift backup verify {}`",
        b.set,
        podlift_model::count(b.members, "file"),
        b.bytes,
        b.set
    );
    std::iter::once(set).chain(b.warnings.iter().cloned()).collect()
}

/// Differences from what was recorded before the run.
fn differences(r: &Report) -> String {
    let Some(found) = &r.differences else { return String::new() };
    if found.is_empty() {
        return "\n## Different from before\n\nNone of the recorded facts.\n".into();
    }
    let line = |f: &Finding| match &f.node {
        Some(node) => format!("{node}: {} (`{}`)", f.evidence, f.next),
        None => format!("{} (`{}`)", f.evidence, f.next),
    };
    list("Different from before", found.iter().map(line))
}

fn list(title: &str, lines: impl Iterator<Item = String>) -> String {
    let lines: String = lines.map(|l| format!("- {l}\n")).collect();
    if lines.is_empty() { lines } else { format!("\n## {title}\n\n{lines}") }
}

/// A cell of a Markdown table: one line, with bars escaped.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
