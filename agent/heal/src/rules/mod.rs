//! What is wrong with a manifest, and what would repair it. Pure: every fact is an argument.
//!
//! Rescue rules act at once and without permission, because the manifest provably can't start or starts on another store: empty or missing
//! `--etcd-servers`, a lost `--etcd-prefix` or `--etcd-servers-overrides`, a gate that is fatal on the manifest's own image version, a file
//! that the kubelet can't read, a file that a kubeadm session left missing. Hygiene rules (gates that the site does not want, lost
//! sensitive flags, mode and owner, stray copies) act only inside an armed guard or on a person's request, and otherwise report. If a shell
//! or a wrapper hides the flags, the rules report only that and change nothing.

mod etcd;
mod file;
mod gates;
mod lost;

use crate::expectations::Expectations;
use crate::manifest::Manifest;
use crate::ring::Choice;
use crate::splice::Edit;
use podlift_model::Digest;
use podlift_model::heal::{HealFinding, HealKind};
use podlift_model::op::{Component, FlagLoss};

/// What is at the path of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    Manifest(Manifest),
    /// Podlift can't parse it, for this reason.
    Unreadable(String),
    /// Something that is never read or replaced: a symbolic link, a folder, a far too large file, no access.
    Strange {
        what: String,
        why: &'static str,
    },
    Missing,
}

/// Who can write a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    pub mode: u32,
    pub uid: u32,
    /// The agent's own user: root, except in tests and labs.
    pub own_uid: u32,
}

/// Whether the kubelet can read a file that podlift can't read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Kubelet {
    /// The runtime was not asked, or its answer decides nothing yet.
    #[default]
    Unasked,
    /// The kubelet provably can't read it, or runs no pod of it.
    CantRead,
    /// The kubelet runs the file's content.
    Runs,
    /// The runtime does not answer the question, for this reason.
    Unknown(String),
}

/// Everything besides the file on which a verdict depends.
#[derive(Debug, Clone, Default)]
pub struct Situation<'a> {
    /// Name of the node, for the commands in messages.
    pub node: &'a str,
    /// What this API server had when it was last Ready.
    pub expected: Option<&'a Expectations>,
    /// The newest good manifest of this component.
    pub good: Option<&'a Manifest>,
    /// The copy in the agent's own store that would replace this manifest.
    pub copy: Choice,
    /// Why that copy must not come back, for example because it leads to an etcd from which a person moved away.
    pub no_copy: Option<String>,
    pub kubelet: Kubelet,
    pub access: Option<Access>,
    /// A kubeadm that podlift started runs now, and will bring back the files that it moved away.
    pub kubeadm_running: bool,
    /// A kubeadm that podlift started has ended, and the file has not been seen since.
    pub kubeadm_ended: bool,
    /// The same unreadable bytes were there one tick ago, so no process is in the middle of writing them.
    pub settled: bool,
    /// A guard is armed, or a person allows hygiene to act.
    pub armed: bool,
    /// The file is the same as when the guard was armed.
    pub as_armed: bool,
    pub site_gates: &'a [String],
    /// Flags whose loss a run intends.
    pub meant: &'a [FlagLoss],
}

pub(crate) const MEANT: &str = "meant: the run allows its loss";

pub(crate) const STEADY: &str =
    "no guard is armed: site rules and hygiene act only within a run, or by podlift heal apply";

impl Situation<'_> {
    /// Whether a run intends the loss of this flag. The run can't intend the loss of `--etcd-servers`: the API server would not start.
    fn is_meant(&self, component: Component, flag: &str) -> bool {
        self.meant.iter().any(|loss| loss.component == component && loss.flag.as_str() == flag)
    }

    /// Whether hygiene may change this file's content now, or why not.
    fn may_tidy(&self) -> Result<(), &'static str> {
        match (self.armed, self.as_armed) {
            (true, false) => Ok(()),
            (true, true) => Err("it was so before the run; it goes when kubeadm writes the file anew"),
            (false, _) => Err(STEADY),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fix {
    Edit(Edit),
    /// Put back this good copy.
    Restore(Digest),
    /// Set this mode, and also root as owner if `own` is set.
    Secure {
        mode: u32,
        own: bool,
    },
}

/// One thing that is wrong. `fix` is `None` if the heal may only report it; `why_not` then gives the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub rule: &'static str,
    pub kind: HealKind,
    pub what: String,
    pub fix: Option<Fix>,
    pub why_not: Option<String>,
    /// A path of the node that must exist for the fix to be right.
    pub needs: Option<String>,
}

impl Finding {
    fn fixed(rule: &'static str, kind: HealKind, what: impl Into<String>, fix: Fix) -> Self {
        Self { rule, kind, what: what.into(), fix: Some(fix), why_not: None, needs: None }
    }
    fn reported(
        rule: &'static str,
        kind: HealKind,
        what: impl Into<String>,
        why_not: impl Into<String>,
    ) -> Self {
        Self { rule, kind, what: what.into(), fix: None, why_not: Some(why_not.into()), needs: None }
    }
    /// The same finding without its fix.
    pub fn only_report(self, why: impl Into<String>) -> Self {
        Self { fix: None, why_not: Some(why.into()), ..self }
    }
    pub fn to_model(&self, file: &str) -> HealFinding {
        let (rule, what) = (self.rule.to_string(), self.what.clone());
        HealFinding { file: file.into(), rule, kind: self.kind, what, report_only: self.why_not.clone() }
    }
}

/// Rules that can repair; all others only report.
pub const REPAIRS: [&str; 10] = [
    "etcd-servers-empty",
    "etcd-servers-missing",
    "etcd-store-lost",
    "flag-lost",
    "gate-fatal",
    "missing",
    "mode",
    "site-gate",
    "stray",
    "unreadable",
];

/// All findings about the file, rescue first.
pub fn judge(component: Component, seen: &Seen, now: &Situation<'_>) -> Vec<Finding> {
    let content = match seen {
        Seen::Missing => file::missing(component, now).into_iter().collect(),
        Seen::Unreadable(why) => vec![file::unreadable(component, why, now)],
        Seen::Strange { what, why } => vec![Finding::reported("strange", HealKind::Rescue, what, *why)],
        Seen::Manifest(manifest) => flags(component, manifest, now),
    };
    content.into_iter().chain(file::open_to_others(component, now)).collect()
}

fn flags(component: Component, manifest: &Manifest, now: &Situation<'_>) -> Vec<Finding> {
    if let Some(opaque) = manifest.opaque() {
        let what = format!("the flags of {} can't be known: {opaque}", component.file());
        let why = "nothing is learned from it, put into it or restored over it";
        return vec![Finding::reported("opaque", HealKind::Rescue, what, why)];
    }
    let is_api = component == Component::KubeApiserver;
    let etcd = is_api.then(|| etcd::etcd_servers(manifest, now)).flatten();
    let stores = if is_api { etcd::stores(manifest, now) } else { Vec::new() };
    let rescue = etcd.into_iter().chain(stores).chain(gates::fatal_gates(manifest));
    rescue.chain(gates::site_gates(manifest, now)).chain(lost::lost_flags(manifest, now)).collect()
}

#[cfg(test)]
mod tests;
