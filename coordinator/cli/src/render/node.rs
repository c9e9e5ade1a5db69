//! `podlift status NODE`: everything about one node, section by section.

use super::{duration, event, fleet, status, timestamp, version};
use crate::out::Screen;
use crate::table::{Cell, Grid, indented};
use anstyle::AnsiColor;
use podlift_engine::view::NodeDetail;
use std::fmt::Write as _;

pub(crate) fn node(d: &NodeDetail, screen: Screen) -> String {
    let mut out = head(d, screen);
    for (title, text) in [
        ("Packages", packages(d, screen)),
        ("Manifests", manifests(d, screen)),
        ("Steps", steps(d, screen)),
        ("Heals", heals(d, screen)),
        ("Labels, as of the plan", labels(d)),
        ("Last events", events(d, screen)),
    ] {
        if !text.is_empty() {
            let _ = write!(out, "\n{title}\n{text}\n");
        }
    }
    out
}

fn head(d: &NodeDetail, screen: Screen) -> String {
    let mut out = format!("Node {} of cluster {} at {}\n", d.row.name, d.cluster, timestamp(d.at));
    for (name, value) in lines(d) {
        let line = format!("  {name:<13}{value}");
        match screen.width {
            Some(width) if line.chars().count() > width.into() => {
                let _ = writeln!(out, "  {name}");
                let _ = writeln!(out, "{}", indented(&value, 4, width.into()).join("\n"));
            }
            _ => drop(writeln!(out, "{line}")),
        }
    }
    out
}

fn lines(d: &NodeDetail) -> Vec<(&'static str, String)> {
    let f = &d.facts;
    let agent = match d.session_seconds {
        Some(seconds) => format!("{}, connected for {}", f.agent_version, duration(seconds as f64)),
        None if d.row.connected => format!("{}, connected", f.agent_version),
        None => format!("{}, not connected", f.agent_version),
    };
    let mut out = vec![("role", d.row.role.to_string()), ("state", d.row.state.clone())];
    let step = status::step(&d.row);
    out.extend((!step.is_empty()).then_some(("step", step)));
    out.extend(d.row.seconds.map(|seconds| ("lane", format!("{} at work in this run", duration(seconds)))));
    out.push(("facts", format!("{} old{}", duration(d.row.age_seconds as f64), stale(d))));
    out.push(("agent", agent));
    out.push(("ledger", f.ledger.to_string()));
    out.push(("epoch", d.epoch.as_ref().map_or("none accepted".into(), ToString::to_string)));
    out.push(("guard", d.row.guard.clone()));
    out.push(("expectation", expectation(d)));
    out.extend(unlearned(d).map(|text| ("unlearned", text)));
    out.push(("kubelet", version(f.kubelet)));
    out.extend(d.runtime.clone().map(|runtime| ("runtime", runtime)));
    out.push(("boot", f.boot.to_string()));
    out.push(("disk", format!("{} GiB free below /var", f.free_bytes >> 30)));
    out.extend(f.advertise.clone().map(|a| ("API server", a)));
    out.extend(
        (!f.running.is_empty())
            .then(|| ("running", f.running.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))),
    );
    out
}

fn stale(d: &NodeDetail) -> &'static str {
    match (d.row.connected, d.row.stale) {
        (false, _) => ": gone",
        (true, true) => ": stale",
        (true, false) => "",
    }
}

fn expectation(d: &NodeDetail) -> String {
    match &d.facts.expectations {
        Some(e) => {
            let cluster = e.etcd_cluster.as_deref().unwrap_or("not known");
            let heal = d.facts.heal.as_ref().and_then(|h| h.expectations.as_ref());
            let forbidden = heal.and_then(|e| e.forbidden.as_ref());
            let forbidden =
                forbidden.map_or(String::new(), |why| format!("; nothing is healed from it: {why}"));
            format!(
                "etcd servers {}; etcd cluster {cluster}; learned from manifest {}{forbidden}",
                e.etcd_servers.join(","),
                e.learned_from.short()
            )
        }
        None => "none".into(),
    }
}

/// Manifests that the heal has not learned, with the reason.
fn unlearned(d: &NodeDetail) -> Option<String> {
    let files = d.facts.heal.iter().flat_map(|h| &h.files);
    let unlearned = files.filter_map(|f| {
        let u = f.unlearned.as_ref()?;
        Some(format!("{} since {}: {}", f.file, timestamp(u.since), u.why))
    });
    let unlearned: Vec<String> = unlearned.collect();
    (!unlearned.is_empty()).then(|| unlearned.join("; "))
}

fn packages(d: &NodeDetail, screen: Screen) -> String {
    let mut grid = Grid::new(&["PACKAGE", "VERSION", "HELD", "BINARY"]);
    let f = &d.facts;
    for (name, state) in &f.packages {
        let binary = match name.as_str() {
            "kubeadm" => version(f.kubeadm),
            "kubelet" => version(f.kubelet),
            "kubectl" => version(f.kubectl),
            _ => "-".into(),
        };
        let installed = state.version.as_ref().map_or("not installed".into(), ToString::to_string);
        let held = if state.held { "yes" } else { "no" };
        grid.row(vec![Cell::from(name), installed.into(), held.into(), binary.into()]);
    }
    if f.packages.is_empty() { String::new() } else { grid.render(screen) }
}

fn manifests(d: &NodeDetail, screen: Screen) -> String {
    let mut grid = Grid::with_tail(&["COMPONENT", "FILE", "FLAGS", "HEALTH", "IMAGE"]);
    for m in &d.manifests {
        let well = m.health == "readable";
        let health = Cell::coloured(&m.health, (!well).then_some(AnsiColor::Red));
        let (file, flags) = (m.sha256.short(), m.flags_sha256.short());
        grid.row(vec![Cell::from(m.component), file.into(), flags.into(), health, Cell::from(&m.image)]);
    }
    if d.manifests.is_empty() { String::new() } else { grid.render(screen) }
}

fn steps(d: &NodeDetail, screen: Screen) -> String {
    let mut grid = Grid::with_tail(&["STEP", "STATUS", "TRIES", "BEGAN", "TOOK", "EVIDENCE"]);
    for s in &d.steps {
        let state = match s.status.as_str() {
            "started" | "ended" => "working",
            "done" => "upgraded",
            other => other,
        };
        grid.row(vec![
            Cell::from(&s.step),
            Cell::coloured(&s.status, fleet::colour(state)),
            s.attempts.into(),
            s.began.map_or("-".into(), super::time_of_day).into(),
            s.seconds.map_or("-".into(), duration).into(),
            Cell::from(&s.evidence),
        ]);
    }
    if d.steps.is_empty() { String::new() } else { grid.render(screen) }
}

fn heals(d: &NodeDetail, screen: Screen) -> String {
    let mut grid = Grid::new(&["AT", "FILE", "RULES", "TOOK"]);
    for h in &d.heals {
        let took = format!("{} µs", h.latency_us);
        grid.row(vec![timestamp(h.at).into(), Cell::from(&h.file), h.rules.join(", ").into(), took.into()]);
    }
    if d.heals.is_empty() { String::new() } else { grid.render(screen) }
}

fn labels(d: &NodeDetail) -> String {
    d.labels.iter().map(|(key, value)| format!("  {key}={value}")).collect::<Vec<_>>().join("\n")
}

fn events(d: &NodeDetail, screen: Screen) -> String {
    let lines = d.events.iter().map(|record| event::line(record, None)).collect::<Vec<_>>().join("\n");
    if screen.colour { lines } else { anstream::adapter::strip_str(&lines).to_string() }
}
