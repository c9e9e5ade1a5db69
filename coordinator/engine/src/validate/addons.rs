//! kube-proxy has the version, and the pods of kube-proxy and of CoreDNS are of their present specification and available. An addon that
//! kubeadm does not manage in this cluster is not judged.

use super::check::{Check, Verdict, failed, open, passed};
use super::{Group, Scene};
use crate::doors::{AddonsView, RolloutView};
use crate::listed::listed;
use crate::program::Severity;
use podlift_model::{NodeName, count};

pub(super) const CHECK: Check = Check {
    id: "addons",
    title: "kube-proxy and CoreDNS have rolled out",
    group: Group::Versions,
    severity: Severity::Blocker,
    judge,
};

const NEXT: &str = "kubectl -n kube-system get daemonset/kube-proxy deployment/coredns -o wide";
/// Maximum number of nodes in a line.
const NAMED: usize = 5;

fn judge(scene: &Scene) -> Verdict {
    let view = match &scene.addons {
        Err(why) => return open(format!("the addons can't be seen: {why}"), NEXT),
        Ok(view) => view,
    };
    let (mut faults, mut away, mut good) = (vec![], vec![], vec![]);
    if view.kube_proxy {
        version(scene, view, &mut faults, &mut away);
    }
    let rollouts = [
        ("daemonset/kube-proxy", view.kube_proxy, &view.kube_proxy_rollout),
        ("deployment/coredns", view.coredns, &view.coredns_rollout),
    ];
    for (name, _, rollout) in rollouts.into_iter().filter(|(_, used, _)| *used) {
        match rollout {
            None => away.push(format!("the pods of {name} can't be counted: kube-system has no {name}")),
            Some(rollout) => match fault(scene, rollout) {
                Some(why) => faults.push(format!("{name}: {why}")),
                None => good.push(format!("{name}: {}", counts(rollout))),
            },
        }
    }
    match () {
        () if !faults.is_empty() => failed(faults, NEXT).and(away),
        () if !away.is_empty() => open(away.remove(0), NEXT).and(away).and(good),
        () if good.is_empty() => passed("the cluster uses neither kubeadm's CoreDNS nor its kube-proxy"),
        () => passed(good.remove(0)).and(good),
    }
}

fn version(scene: &Scene, view: &AddonsView, faults: &mut Vec<String>, away: &mut Vec<String>) {
    match (view.kube_proxy_version, scene.version) {
        (None, _) => away.push("the version of kube-proxy's image can't be read".into()),
        (Some(is), Some(wanted)) if is != wanted => {
            faults.push(format!("daemonset/kube-proxy is {is}, not {wanted}"));
        }
        (Some(_), _) => {}
    }
}

fn counts(rollout: &RolloutView) -> String {
    let RolloutView { desired, updated, available, .. } = rollout;
    format!("{updated} of {} updated, {available} available", count(*desired, "pod"))
}

/// What is missing. A node that is not Ready or is left out has no pod, and other checks are about such a node.
fn fault(scene: &Scene, rollout: &RolloutView) -> Option<String> {
    if !rollout.observed {
        return Some("its controller has not seen the present specification".into());
    }
    if rollout.updated >= rollout.desired && rollout.available >= rollout.desired {
        return None;
    }
    let ready = |name: &NodeName| scene.nodes.iter().flatten().any(|n| n.name == *name && n.ready);
    let there = |name: &&NodeName| ready(name) && !scene.without.contains_key(*name);
    let awaited: Vec<&NodeName> = rollout.unready_nodes.iter().filter(there).collect();
    match (awaited.is_empty(), rollout.unready_nodes.is_empty()) {
        (true, false) => None,
        (true, true) => Some(counts(rollout)),
        (false, _) => Some(format!("{}; not on {}", counts(rollout), listed(&awaited, NAMED))),
    }
}
