//! APIs that the target no longer serves, but that clients have requested since an API server started, or that etcd stores in that version.

use super::View;
use crate::program::{Finding, Severity, finding};
use podlift_model::Minor;
use std::collections::BTreeMap;

pub const DEPRECATED: &str = "deprecated-apis";

pub fn check(view: &View) -> Vec<Finding> {
    let Some(seen) = view.cluster() else { return vec![] };
    let to = view.input.to.minor();
    let mut asked: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (server, uses) in seen.deprecated.iter().filter_map(|(s, u)| Some((s, u.as_ref().ok()?))) {
        for used in uses.iter().filter(|u| removed(&u.removed_release, to)) {
            let group = if used.group.is_empty() { "core" } else { &used.group };
            let name =
                format!("{group}/{} {} (gone in {})", used.version, used.resource, used.removed_release);
            asked.entry(name).or_default().push(server);
        }
    }
    let next = "kubectl get --raw /metrics | grep apiserver_requested_deprecated_apis";
    let mut out: Vec<Finding> = asked
        .into_iter()
        .map(|(api, servers)| {
            let evidence = format!(
                "{api} was asked for at {}: whoever does so fails after the upgrade",
                servers.join(", ")
            );
            finding(DEPRECATED, Severity::Blocker, None, evidence, next)
        })
        .collect();
    for stored in seen.stored.iter().flatten().filter(|s| s.objects > 0) {
        let evidence = format!(
            "{} of {} {} stored as {}, which {to} can't read any more",
            podlift_model::count(stored.objects, "object"),
            stored.resource,
            podlift_model::agree(stored.objects, "is", "are"),
            stored.version
        );
        let next = format!("kubectl get {} -A -o json | kubectl replace -f -", stored.resource);
        out.push(finding("stored-versions", Severity::Blocker, None, evidence, &next));
    }
    out
}

fn removed(release: &str, to: Minor) -> bool {
    release.parse::<Minor>().is_ok_and(|gone| gone <= to)
}
