//! Unfinished work of dpkg: apt refuses to do anything before it is finished.

use super::View;
use crate::program::{Finding, Severity, finding};

pub fn check(view: &View) -> Vec<Finding> {
    let half =
        view.surveys().filter_map(|(n, s)| Some((n, s.dpkg_audit.as_ref().ok().filter(|a| !a.is_empty())?)));
    half.map(|(node, packages)| {
        let evidence = format!("dpkg has not finished {}", packages.join(", "));
        finding("dpkg", Severity::Blocker, Some(node), evidence, &format!("ssh {node} dpkg --configure -a"))
    })
    .collect()
}
