//! What is wrong with a manifest, and what would mend it. Pure: everything known is an argument.
//!
//! Rescue rules act alone and at once, because the manifest provably can't start: empty or missing `--etcd-servers`, a gate that is fatal
//! on the manifest's own image version, a file that can't be read, a file that a kubeadm session left missing. Hygiene rules (gates that
//! the site does not want) act only inside an armed guard, and otherwise report.

use super::manifest::Manifest;
use super::splice::Edit;
use podlift_model::gates::fatal_text;
use podlift_model::heal::{HealFinding, HealKind};
use podlift_model::op::Component;

/// What stands where a manifest should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    Manifest(Manifest),
    /// With the reason.
    Unreadable(String),
    Missing,
}

/// All that a verdict depends on besides the file.
#[derive(Debug, Clone, Default)]
pub struct Situation<'a> {
    /// Value of `--etcd-servers` as it was when this API server last was Ready.
    pub etcd_servers: Option<&'a str>,
    /// The expected endpoints answer as another cluster: somebody restored or moved etcd.
    pub other_etcd: Option<&'a str>,
    /// A good copy of this manifest is in the agent's own store.
    pub good_copy: bool,
    /// A kubeadm of ours runs now: what it has moved away it will bring back.
    pub kubeadm_running: bool,
    /// A kubeadm of ours ended, and the file was not seen since.
    pub kubeadm_ended: bool,
    /// The same unreadable bytes were there a tick ago: nobody is in the middle of writing them.
    pub settled: bool,
    pub armed: bool,
    /// The file is what it was when the guard was armed.
    pub as_armed: bool,
    pub site_gates: &'a [String],
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fix {
    Edit(Edit),
    /// Put the good copy back.
    Restore,
}

/// One thing that is wrong. `fix` is None where only a report is right; `why_not` says why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub rule: &'static str,
    pub kind: HealKind,
    pub what: String,
    pub fix: Option<Fix>,
    pub why_not: Option<String>,
}

impl Finding {
    fn fixed(rule: &'static str, kind: HealKind, what: impl Into<String>, fix: Fix) -> Self {
        Self { rule, kind, what: what.into(), fix: Some(fix), why_not: None }
    }
    fn reported(
        rule: &'static str,
        kind: HealKind,
        what: impl Into<String>,
        why_not: impl Into<String>,
    ) -> Self {
        Self { rule, kind, what: what.into(), fix: None, why_not: Some(why_not.into()) }
    }
    pub fn to_model(&self, file: &str) -> HealFinding {
        let (rule, what) = (self.rule.to_string(), self.what.clone());
        HealFinding { file: file.into(), rule, kind: self.kind, what, report_only: self.why_not.clone() }
    }
}

/// Rules that mend something; the others only report.
pub const REPAIRS: [&str; 6] =
    ["etcd-servers-empty", "etcd-servers-missing", "gate-fatal", "missing", "site-gate", "unreadable"];

/// Everything that is wrong with what was seen, rescue first.
pub fn judge(component: Component, seen: &Seen, now: &Situation<'_>) -> Vec<Finding> {
    match seen {
        Seen::Missing => missing(component, now).into_iter().collect(),
        Seen::Unreadable(why) => vec![unreadable(component, why, now)],
        Seen::Manifest(manifest) => {
            let etcd = (component == Component::KubeApiserver).then(|| etcd_servers(manifest, now)).flatten();
            etcd.into_iter().chain(fatal_gates(manifest)).chain(site_gates(manifest, now)).collect()
        }
    }
}

fn etcd_servers(manifest: &Manifest, now: &Situation<'_>) -> Option<Finding> {
    let flags = manifest.flags();
    let (rule, what) = match flags.0.get("etcd-servers") {
        Some(_) if bare(manifest, "etcd-servers") => {
            let why = "it is written in a form that can't be edited safely (`--etcd-servers` without `=`)";
            return Some(Finding::reported(
                "etcd-servers-form",
                HealKind::Rescue,
                "--etcd-servers has no value on its own line",
                why,
            ));
        }
        Some(_) if !flags.items("etcd-servers").is_empty() => return None,
        Some(_) => ("etcd-servers-empty", "--etcd-servers is empty: the API server exits at once"),
        None => ("etcd-servers-missing", "--etcd-servers is missing: the API server exits at once"),
    };
    let report = |why: String| Some(Finding::reported(rule, HealKind::Rescue, what, why));
    let Some(value) = now.etcd_servers else {
        return report("this node never saw its API server Ready with endpoints that answered: nothing is known to put there".into());
    };
    if let Some(other) = now.other_etcd {
        return report(format!(
            "the endpoints {value} now answer as cluster {other}: somebody moved or restored etcd"
        ));
    }
    let (flag, value) = ("etcd-servers".to_string(), value.to_string());
    let edit =
        if rule == "etcd-servers-empty" { Edit::Set { flag, value } } else { Edit::Insert { flag, value } };
    Some(Finding::fixed(rule, HealKind::Rescue, what, Fix::Edit(edit)))
}

/// `--flag` as a word of its own, its value perhaps in the next word.
fn bare(manifest: &Manifest, flag: &str) -> bool {
    manifest.find(flag).iter().any(|i| !manifest.words[*i].value.contains('='))
}

fn fatal_gates(manifest: &Manifest) -> Vec<Finding> {
    let gates = manifest.flags().gates();
    let Some(version) = manifest.version else {
        let what = format!("image {} has no version in its tag", manifest.image);
        let report = || {
            Finding::reported(
                "image-version",
                HealKind::Rescue,
                what,
                "whether its gates are fatal is unknown",
            )
        };
        return (!gates.is_empty()).then(report).into_iter().collect();
    };
    let fatal = |(gate, value): (String, bool)| {
        let text = fatal_text(&gate, value, version.minor())?;
        let what = format!("{gate}={value} ends {} {version} at once: {text}", manifest.component);
        Some(Finding::fixed("gate-fatal", HealKind::Rescue, what, Fix::Edit(Edit::RemoveGate { gate })))
    };
    gates.into_iter().filter_map(fatal).collect()
}

fn site_gates(manifest: &Manifest, now: &Situation<'_>) -> Vec<Finding> {
    let unwanted = manifest.flags().gates().into_iter().filter(|(gate, _)| now.site_gates.contains(gate));
    let finding = |(gate, value): (String, bool)| {
        let what =
            format!("{gate}={value} is on the list of gates that this site does not want (heal.site_gates)");
        match (now.armed, now.as_armed) {
            (true, false) => {
                Finding::fixed("site-gate", HealKind::Hygiene, what, Fix::Edit(Edit::RemoveGate { gate }))
            }
            (true, true) => Finding::reported(
                "site-gate",
                HealKind::Hygiene,
                what,
                "it was so before the run; it goes when kubeadm writes the file anew",
            ),
            (false, _) => Finding::reported(
                "site-gate",
                HealKind::Hygiene,
                what,
                "no guard is armed; site rules act only within a run",
            ),
        }
    };
    unwanted.map(finding).collect()
}

fn unreadable(component: Component, why: &str, now: &Situation<'_>) -> Finding {
    let what = format!("{} can't be read: {why}", component.file());
    let report = |why: &str| Finding::reported("unreadable", HealKind::Rescue, what.clone(), why);
    if now.kubeadm_running {
        return report("kubeadm runs");
    }
    match (now.good_copy, now.settled) {
        (false, _) => report("no good copy of it is known"),
        (true, false) => report("somebody may be writing it: looked at again at the next tick"),
        (true, true) => Finding::fixed("unreadable", HealKind::Rescue, what, Fix::Restore),
    }
}

/// A missing manifest is no finding on a worker, nor where a person moved it away to stop the component.
fn missing(component: Component, now: &Situation<'_>) -> Option<Finding> {
    if !now.good_copy {
        return None;
    }
    let what = format!("{} is missing", component.file());
    let report = |why: &str| Finding::reported("missing", HealKind::Rescue, what.clone(), why);
    Some(match (now.kubeadm_running, now.kubeadm_ended) {
        (true, _) => report("kubeadm runs: it moves a manifest away before it moves the new one in"),
        (false, false) => report("no kubeadm of a run did it: somebody stops the component on purpose?"),
        (false, true) => Finding::fixed("missing", HealKind::Rescue, what, Fix::Restore),
    })
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
