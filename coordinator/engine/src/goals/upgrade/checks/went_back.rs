//! Nodes whose kubelet is older than the last run left it. podlift never installs an older version, so something else did.

use super::View;
use crate::program::{Finding, Severity, finding};

pub const ID: &str = "went-back";

pub fn check(view: &View) -> Vec<Finding> {
    view.nodes().filter_map(|n| {
        let left = view.input.earlier.left.get(&n.name)?;
        let now = n.view.kubelet.filter(|now| *now < left.kubelet)?;
        let evidence = format!(
            "its kubelet is {now}, and run {} left it at {} on {}: something has installed the older version since, most likely BCM, which gives a node the packages of its software image at a provisioning or an image update; bring the image to {} too, or it happens again",
            left.run, left.kubelet, left.at, left.kubelet
        );
        let next = format!("cmsh -c \"device use {}; get softwareimage\"", n.name);
        Some(finding(ID, Severity::Warning, Some(&n.name), evidence, &next))
    }).collect()
}
