//! Kubelets may lag three minors behind the API server and never lead it (Kubernetes version skew policy).

use super::View;
use crate::program::{Finding, Severity, finding};

pub fn check(view: &View) -> Vec<Finding> {
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
