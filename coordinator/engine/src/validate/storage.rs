//! Each storage class binds a test claim.

use super::check::{Check, Verdict, failed, open, passed};
use super::{Group, Scene, StorageSeen};
use crate::program::Severity;

pub(super) const CHECK: Check = Check {
    id: "storage",
    title: "Storage classes bind a claim",
    group: Group::Storage,
    severity: Severity::Blocker,
    judge,
};

const NEXT: &str = "kubectl get storageclasses,persistentvolumeclaims -A";

/// The provisioner of a class whose volumes an administrator makes: no claim shows anything of it.
const NO_PROVISIONER: &str = "kubernetes.io/no-provisioner";

fn judge(scene: &Scene) -> Verdict {
    let classes = match &scene.storage {
        Err(why) => return open(format!("no claim was made: {why}"), NEXT),
        Ok(classes) if classes.is_empty() => return passed("the cluster has no storage class"),
        Ok(classes) => classes,
    };
    let (skipped, tried): (Vec<&StorageSeen>, Vec<&StorageSeen>) =
        classes.iter().partition(|c| c.skipped.is_some());
    let faults: Vec<(bool, String)> = tried
        .iter()
        .filter_map(|c| {
            Some((
                c.default,
                format!("{} ({}) binds no claim: {}", c.class, c.provisioner, c.bound.as_ref().err()?),
            ))
        })
        .collect();
    let untried = skipped.iter().any(|c| c.provisioner != NO_PROVISIONER);
    let skipped: Vec<String> = skipped
        .iter()
        .map(|c| format!("{}: {}", c.class, c.skipped.as_deref().unwrap_or_default()))
        .collect();
    if !faults.is_empty() {
        // Claims without a class depend on the default one.
        let worst = match tried.len() == faults.len() || faults.iter().any(|(default, _)| *default) {
            true => Severity::Blocker,
            false => Severity::Warning,
        };
        let lines = faults.into_iter().map(|(_, line)| line).collect();
        return failed(lines, NEXT).means(worst).and(skipped);
    }
    let bound =
        |c: &&StorageSeen| Some(format!("{} bound a claim after {} ms", c.class, c.bound.as_ref().ok()?));
    let lines: Vec<String> = tried.iter().filter_map(bound).collect();
    match lines.split_first() {
        None => open("no class was tried", NEXT).and(skipped),
        Some(_) if untried => open("not every class was tried", NEXT).and(skipped).and(lines.iter().cloned()),
        Some((first, rest)) => passed(first.clone()).and(rest.iter().cloned()).and(skipped),
    }
}
