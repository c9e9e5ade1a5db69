//! Every etcd member is healthy, there is no alarm, exactly one leader and one cluster, as seen from every control-plane node.

use super::View;
use crate::analysis::etcd_problems;
use crate::program::{Finding, Severity, finding};
use std::collections::{BTreeMap, BTreeSet};

pub fn check(view: &View) -> Vec<Finding> {
    let mut out = Vec::new();
    for (node, seen) in &view.input.etcd {
        let problems = match seen {
            Ok(state) => etcd_problems(state),
            Err(why) => vec![format!("etcd can't be asked: {why}")],
        };
        let next = "etcdctl endpoint health --cluster; etcdctl alarm list";
        out.extend(problems.into_iter().map(|p| finding("etcd", Severity::Blocker, Some(node), p, next)));
    }
    out.extend(gone(view));
    out.extend(pair(view));
    out.extend(strained(view));
    let mut stores: BTreeMap<&str, BTreeSet<&String>> = BTreeMap::new();
    for state in view.input.etcd.values().flatten() {
        stores.entry("").or_default().insert(&state.cluster);
        for (resource, store) in state.overrides.iter().filter_map(|(r, s)| Some((r, s.as_ref().ok()?))) {
            stores.entry(resource).or_default().insert(&store.cluster);
        }
    }
    for (resource, clusters) in stores.into_iter().filter(|(_, clusters)| clusters.len() > 1) {
        let of = if resource.is_empty() { String::new() } else { format!(" as store of {resource}") };
        let evidence = format!(
            "control-plane nodes see different etcd clusters{of}: {clusters:?}; find out who restored or moved a member"
        );
        out.push(finding("etcd", Severity::Blocker, None, evidence, "etcdctl member list -w table"));
    }
    out
}

/// Members that are not healthy and whose machine is no node of the cluster any more.
fn gone(view: &View) -> Vec<Finding> {
    let members = view.input.etcd.values().flatten().flat_map(|s| &s.members).filter(|m| !m.healthy);
    let servers: Vec<&str> = view.input.inventory.control_planes().map(|n| n.name.as_str()).collect();
    let names: BTreeSet<&str> = members.map(|m| m.name.as_str()).filter(|m| !servers.contains(m)).collect();
    let one = |name: &str| {
        let evidence = format!(
            "member {name} is of no control-plane node of this cluster: if its machine is gone for good, podlift node lost {name} shows the commands that remove it, and the next plan covers the others"
        );
        finding("etcd", Severity::Warning, None, evidence, &format!("podlift node lost {name}"))
    };
    names.into_iter().map(one).collect()
}

/// Two members have no majority while one restarts.
fn pair(view: &View) -> Option<Finding> {
    let most = view.input.etcd.values().flatten().map(|s| s.members.len()).max()?;
    (most == 2).then(|| {
        let evidence = "etcd has two members: while one of them restarts there is no majority, and the API does not answer; add a third member first".to_string();
        finding("etcd", Severity::Warning, None, evidence, "etcdctl member list -w table")
    })
}

/// Bytes above which the default quota of 2 GiB is near. At the quota etcd accepts no more writes (alarm NOSPACE).
const LARGE: u64 = 8 * (2 << 30) / 10;
/// etcd's own heartbeat interval. A slower member loses elections.
const SLOW_MS: u32 = 100;

/// Healthy members that are near a limit, each by its worst value from any node.
fn strained(view: &View) -> Vec<Finding> {
    let mut worst: BTreeMap<&str, (u64, u32)> = BTreeMap::new();
    for member in view.input.etcd.values().flatten().flat_map(|s| &s.members) {
        let seen = worst.entry(&member.name).or_default();
        seen.0 = seen.0.max(member.db_size_bytes.unwrap_or(0));
        seen.1 = seen.1.max(member.latency_ms.unwrap_or(0));
    }
    let warn = |evidence: String, next: &str| finding("etcd", Severity::Warning, None, evidence, next);
    let mut out = Vec::new();
    for (name, (bytes, latency)) in worst {
        if bytes >= LARGE {
            let evidence = format!(
                "the database of member {name} has {} MiB, and etcd's default quota is 2048 MiB: at the quota it takes no more writes",
                bytes >> 20
            );
            out.push(warn(evidence, "etcdctl endpoint status --cluster -w table; etcdctl defrag"));
        }
        if latency >= SLOW_MS {
            let evidence = format!(
                "member {name} took {latency} ms to answer a health check: more than its heartbeat interval of {SLOW_MS} ms"
            );
            out.push(warn(evidence, "etcdctl check perf"));
        }
    }
    out
}
