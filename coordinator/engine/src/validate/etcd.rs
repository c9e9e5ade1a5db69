//! etcd: one cluster, every member healthy, no alarm, and a revision that advances.

use super::check::{Check, Verdict, failed, open, passed, unseen};
use super::{Group, Scene};
use crate::program::Severity;
use podlift_model::count;
use podlift_model::facts::EtcdState;
use std::collections::BTreeSet;

pub(super) const CHECK: Check = Check {
    id: "etcd",
    title: "etcd is one healthy cluster that advances",
    group: Group::ControlPlane,
    severity: Severity::Blocker,
    judge,
};

/// Where members are static pods.
const PODS: &str = "kubectl -n kube-system get pods -l component=etcd -o wide";
/// Where they are units, as BCM installs them.
const UNITS: &str = "systemctl status etcd; journalctl -u etcd -n 50";

fn next(scene: &Scene) -> String {
    match &scene.static_pods {
        Ok(pods) if pods.iter().any(|pod| pod.name.starts_with("etcd-")) => PODS.into(),
        Ok(pods) if !pods.is_empty() => UNITS.into(),
        _ => format!("{PODS}; on its nodes: {UNITS}"),
    }
}

fn judge(scene: &Scene) -> Verdict {
    let next = next(scene);
    let states: Vec<_> =
        scene.etcd.iter().filter_map(|(node, seen)| Some((node, seen.as_ref().ok()?))).collect();
    let mut away = unseen(&scene.etcd);
    if states.is_empty() {
        return open("no node could ask etcd", next).and(away);
    }
    let mut faults: BTreeSet<String> = BTreeSet::new();
    let clusters: BTreeSet<&str> = states.iter().map(|(_, state)| state.cluster.as_str()).collect();
    if clusters.len() > 1 {
        let ids: Vec<&str> = clusters.into_iter().collect();
        faults.insert(format!("the nodes are members of several clusters: {}", ids.join(", ")));
    }
    for (node, state) in &states {
        faults.extend(state.alarms.iter().map(|alarm| format!("alarm {alarm}")));
        let sick = state.members.iter().filter(|m| !m.healthy);
        faults.extend(sick.map(|m| {
            let why = m.error.as_deref().unwrap_or("it does not answer");
            format!("member {} is not healthy: {why}", m.name)
        }));
        if state.members.is_empty() {
            faults.insert(format!("{node} lists no member"));
        }
    }
    let members = states.iter().map(|(_, state)| state.members.len()).collect::<BTreeSet<_>>();
    if members.len() > 1 {
        faults.insert("the nodes do not list the same members".into());
    }
    let revision = |states: &mut dyn Iterator<Item = &EtcdState>| {
        states.flat_map(|state| &state.members).map(|member| member.revision).max()
    };
    let before = revision(&mut states.iter().map(|(_, state)| *state));
    let after = revision(&mut scene.etcd_after.values().flatten());
    match (before, after) {
        (Some(before), Some(after)) if after <= before => {
            faults.insert(format!(
                "the revision is still {after} at the second look: etcd accepts no writes, or nothing writes leases"
            ));
        }
        (_, None) => away
            .push("etcd was not asked a second time, so whether its revision advances is not known".into()),
        _ => {}
    }
    match (faults.is_empty(), away.is_empty()) {
        (false, _) => failed(faults.into_iter().collect(), next).and(away),
        (true, false) => open("not all of etcd could be seen", next).and(away),
        (true, true) => passed(format!(
            "{} healthy, no alarm, one cluster, revision {} to {}",
            count(states[0].1.members.len(), "member"),
            before.unwrap_or_default(),
            after.unwrap_or_default()
        )),
    }
}
