//! Every etcd member healthy, no alarm, exactly one leader, one cluster: as seen from every control-plane node.

use super::{Finding, View};
use crate::plan::{Severity, finding::finding};
use podlift_model::facts::EtcdState;

pub fn check(view: &View) -> Vec<Finding> {
    let mut out = Vec::new();
    for (node, seen) in &view.input.etcd {
        let problems = match seen {
            Ok(state) => problems(state),
            Err(why) => vec![format!("etcd can't be asked: {why}")],
        };
        let next = "etcdctl endpoint health --cluster; etcdctl alarm list";
        out.extend(problems.into_iter().map(|p| finding("etcd", Severity::Blocker, Some(node), p, next)));
    }
    let clusters: std::collections::BTreeSet<&String> =
        view.input.etcd.values().flatten().map(|s| &s.cluster).collect();
    if clusters.len() > 1 {
        let evidence = format!(
            "control-plane nodes see different etcd clusters: {clusters:?}; find out who restored or moved a member"
        );
        out.push(finding("etcd", Severity::Blocker, None, evidence, "etcdctl member list -w table"));
    }
    out
}

/// What is wrong with etcd, each in a sentence.
pub(crate) fn problems(state: &EtcdState) -> Vec<String> {
    let sick = state.members.iter().filter(|m| !m.healthy);
    let mut out: Vec<String> = sick
        .map(|m| {
            format!(
                "member {} ({}) is not healthy: {}",
                m.name,
                m.endpoint,
                m.error.as_deref().unwrap_or("no reason given")
            )
        })
        .collect();
    out.extend(state.alarms.iter().map(|a| format!("alarm {a}")));
    let leaders = state.members.iter().filter(|m| m.leader).count();
    if leaders != 1 {
        out.push(format!("{leaders} members say that they lead, expected exactly one"));
    }
    out
}
