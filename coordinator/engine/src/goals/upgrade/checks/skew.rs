//! Kubelets may lag three minors behind the API server and never lead it (Kubernetes version skew policy). A site may allow only two adjacent
//! minors at once, as BCM's manual does.

use super::View;
use crate::inventory::NodeEntry;
use crate::program::{Finding, Severity, Skew, finding};

/// Where the site's rule is.
const RULE: &str = "skew = \"adjacent\" in /etc/podlift/policy.toml";

pub fn check(view: &View) -> Vec<Finding> {
    kubelets(view)
        .into_iter()
        .chain(adjacent(view))
        .chain(servers_first(view))
        .chain(left_behind(view))
        .collect()
}

/// Kubelets that a plan for some nodes leaves at an older minor, as far as that is allowed.
fn left_behind(view: &View) -> Option<Finding> {
    let to = view.input.to;
    let nodes = view.input.inventory.nodes.iter().filter(|n| !view.chosen(&n.name));
    let minors: Vec<u16> =
        nodes.filter_map(|n| Some(n.view.kubelet?.minor)).filter(|m| *m < to.minor).collect();
    let oldest = minors.iter().min()?;
    let evidence = format!(
        "not in this plan: {}, with kubelets that stay up to {} behind {}: {} allowed",
        podlift_model::count(minors.len(), "node"),
        podlift_model::count(to.minor - oldest, "minor"),
        to.minor(),
        match view.input.options.skew {
            Skew::Upstream => "three are".to_string(),
            Skew::Adjacent => format!("one is ({RULE})"),
        }
    );
    Some(finding("version-skew", Severity::Note, None, evidence, &format!("podlift plan --to {to}")))
}

/// A plan for some nodes may bring no kubelet to a version that an API server does not have by then.
fn servers_first(view: &View) -> Option<Finding> {
    let to = view.input.to;
    let old = |n: &&NodeEntry| n.api_server_version().is_some_and(|v| v.minor() < to.minor());
    let servers = view.input.inventory.control_planes().filter(old).filter(|n| !view.chosen(&n.name));
    let behind: Vec<&str> = servers.map(|n| n.name.as_str()).collect();
    (!behind.is_empty()).then(|| {
        let evidence = format!(
            "kubelets of {} would be newer than the API servers of {}, which this plan leaves out: through the address in front of them a kubelet may reach any of them; all API servers come first",
            to.minor(),
            behind.join(", ")
        );
        let nodes: Vec<String> = view.input.nodes.iter().map(|n| format!(" --node {n}")).collect();
        let more: Vec<String> = behind.iter().map(|n| format!(" --node {n}")).collect();
        let next = format!("podlift plan --to {to}{}{}", more.concat(), nodes.concat());
        finding("version-skew", Severity::Blocker, None, evidence, &next)
    })
}

/// Kubelets that would make a third minor in the cluster, where the site allows two.
fn adjacent(view: &View) -> Vec<Finding> {
    let (to, skew) = (view.input.to, view.input.options.skew);
    let behind = |minor: u16| to.minor.saturating_sub(minor);
    if view.from.minor() >= to.minor() {
        // The API servers are there already, and the run brings the kubelets after them.
        return vec![];
    }
    let nodes = view.nodes().filter_map(|n| Some((n, n.view.kubelet?)));
    let third =
        nodes.filter(|(_, k)| k.major == to.major && (skew.minors() + 1..=3).contains(&behind(k.minor)));
    third
        .map(|(n, kubelet)| {
            let evidence = format!(
                "kubelet {kubelet} would be {} behind {}, and only two adjacent minors may be in the cluster at once ({RULE}): bring it to {} first, or set skew = \"upstream\"",
                podlift_model::count(behind(kubelet.minor), "minor"),
                to.minor(),
                view.from.minor()
            );
            let next = format!("podlift plan --to {} --node {}", view.from, n.name);
            Finding { site_rule: true, ..finding("version-skew", Severity::Blocker, Some(&n.name), evidence, &next) }
        })
        .collect()
}

fn kubelets(view: &View) -> Vec<Finding> {
    let to = view.input.to;
    let nodes = view.input.inventory.nodes.iter();
    nodes
        .filter_map(|n| {
            let kubelet = n.view.kubelet?;
            let evidence = match kubelet {
                k if k.minor() > view.from.minor() && k > to => {
                    format!("kubelet {k} is newer than the target {to}")
                }
                k if k.major == to.major && to.minor.saturating_sub(k.minor) > 3 => {
                    format!("kubelet {k} would be more than three minors behind {to}")
                }
                _ => return None,
            };
            let evidence = format!("{evidence}: bring it within three minors of the target first");
            let next = format!("kubectl describe node {}", n.name);
            Some(finding("version-skew", Severity::Blocker, Some(&n.name), evidence, &next))
        })
        .collect()
}
