//! An API server without endpoints exits at once.

use super::{Finding, Fix, Situation};
use crate::manifest::Manifest;
use crate::splice::Edit;
use podlift_model::heal::HealKind;

pub(super) fn etcd_servers(manifest: &Manifest, now: &Situation<'_>) -> Option<Finding> {
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
