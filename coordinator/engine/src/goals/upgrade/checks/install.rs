//! What apt would do for the exact versions and their dependencies, simulated in a private root: it refuses nothing, removes nothing and
//! omits nothing.

use super::View;
use crate::program::{Finding, Severity, finding};
use podlift_model::op::Package;
use podlift_model::survey::InstallPreview;
use podlift_model::{KubeVersion, NodeFacts, PackageVersion};

const ID: &str = "install";

pub fn check(view: &View) -> Vec<Finding> {
    let mut out = Vec::new();
    for (node, survey) in view.surveys() {
        let Ok(preview) = &survey.install else { continue };
        let facts = view.input.inventory.get(node).and_then(|n| n.facts.as_ref());
        let next =
            format!("ssh {node} 'apt-get install --dry-run kubeadm kubelet kubectl; apt-mark showhold'");
        let found = problems(preview, facts, view.input.to);
        out.extend(found.into_iter().map(|p| finding(ID, Severity::Blocker, Some(node), p, &next)));
    }
    out
}

fn problems(preview: &InstallPreview, facts: Option<&NodeFacts>, to: KubeVersion) -> Vec<String> {
    if let Some(said) = &preview.refused {
        return vec![format!("apt would refuse: {said}")];
    }
    let mut out = Vec::new();
    if !preview.remove.is_empty() {
        out.push(format!("apt would remove {}", preview.remove.join(", ")));
    }
    for package in [Package::Kubeadm, Package::Kubelet, Package::Kubectl] {
        let is_target = |v: &PackageVersion| v.kube == to;
        let there =
            facts.and_then(|f| f.packages.get(package.name())?.version.as_ref()).is_some_and(is_target);
        let would = preview.install.get(package.name());
        match would {
            _ if there => {}
            Some(version) if version.parse::<PackageVersion>().is_ok_and(|v| is_target(&v)) => {}
            Some(version) => out.push(format!("apt would install {package} {version} instead of {to}")),
            None => out.push(format!("apt would not install {package} {to}")),
        }
    }
    out
}
