//! The repository of every node has the exact target version of kubeadm, kubelet and kubectl.

use super::View;
use crate::inventory::NodeRole;
use crate::program::{Finding, Severity, finding};
use podlift_model::NodeName;
use podlift_model::facts::PackageOffer;
use podlift_model::op::Package;

pub fn check(view: &View) -> Vec<Finding> {
    let mut out = Vec::new();
    // A worker whose agent is away is deferred, or staged when it is back.
    let away = |node: &NodeName| {
        view.input.inventory.get(node).is_some_and(|n| n.role == NodeRole::Worker && n.facts.is_none())
    };
    let offers = view.input.offers.iter();
    for (node, offers) in offers.filter(|(node, _)| !view.is_left_out(node) && !away(node)) {
        let missing = match offers {
            Ok(offers) => missing(offers, view.input.to),
            Err(why) => {
                out.push(unread(view, node, why));
                continue;
            }
        };
        let next = format!("ssh {node} apt-cache madison kubeadm kubelet kubectl");
        let said =
            missing.into_iter().map(|m| format!("{m}; mirror it, or plan with a version that is there"));
        out.extend(said.map(|m| finding("packages", Severity::Blocker, Some(node), m, &next)));
    }
    out
}

/// The node did not tell what its repository has. A worker may be left out.
fn unread(view: &View, node: &NodeName, why: &str) -> Finding {
    let what = format!("the repository of {} can't be read: {why}", view.input.to.minor());
    let worker = view.input.inventory.get(node).is_some_and(|n| n.role == NodeRole::Worker);
    let (evidence, next) = match worker {
        true => (
            format!(
                "{what}; mend it, or leave the worker out: --without {node}, or --skip-unready for all that can't be worked on"
            ),
            format!("{} --without {node}", view.again()),
        ),
        false => (
            format!("{what}; mirror it, or plan with a version that is there"),
            format!("ssh {node} apt-cache madison kubeadm kubelet kubectl"),
        ),
    };
    finding("packages", Severity::Blocker, Some(node), evidence, &next)
}

fn missing(offers: &[PackageOffer], to: podlift_model::KubeVersion) -> Vec<String> {
    let wanted = [Package::Kubeadm, Package::Kubelet, Package::Kubectl];
    let absent =
        wanted.into_iter().filter(|p| !offers.iter().any(|o| o.package == *p && o.version.kube == to));
    absent
        .map(|p| {
            let there: Vec<String> =
                offers.iter().filter(|o| o.package == p).map(|o| o.version.to_string()).collect();
            let where_ = offers.first().map_or("the repository", |o| o.repository.as_str());
            format!(
                "{p} {to} is not in {where_}; it has: {}",
                if there.is_empty() { "none".into() } else { there.join(", ") }
            )
        })
        .collect()
}
