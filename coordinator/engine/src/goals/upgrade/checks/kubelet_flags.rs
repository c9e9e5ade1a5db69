//! Flags that the running kubelet has and that its next start would not have: the package's own /etc/default/kubelet has replaced a site's
//! flags, or a file was edited since. The run restarts every kubelet, so the check reports it beforehand.

use super::View;
use crate::analysis::removed::gone;
use crate::program::{Finding, Severity, finding};
use podlift_model::flags::FlagChange;

pub const ID: &str = "kubelet-flags";

pub fn check(view: &View) -> Vec<Finding> {
    let to = view.input.to.minor();
    let mut out = Vec::new();
    for (node, kubelet) in view.surveys().filter_map(|(n, s)| Some((n, s.kubelet.as_ref().ok()?))) {
        let Some(Ok(running)) = &kubelet.running else { continue };
        let changes = running.changes_to("kubelet", &kubelet.flags);
        // Flags that the target has removed must go anyway.
        let matters = |c: &&FlagChange| c.live.is_some() && gone("kubelet", &c.flag, to).is_none();
        let lost: Vec<String> = changes.iter().filter(matters).map(told).collect();
        if lost.is_empty() || !view.chosen(node) {
            continue;
        }
        let evidence = format!(
            "the running kubelet has flags that its next start would not have: {}; no unit, drop-in or environment file says them",
            lost.join("; ")
        );
        let next =
            format!("ssh {node} 'systemctl cat kubelet; tr \"\\0\" \" \" </proc/$(pidof kubelet)/cmdline'");
        out.push(finding(ID, Severity::Blocker, Some(node), evidence, &next));
    }
    out
}

fn told(change: &FlagChange) -> String {
    let live = change.live.as_deref().unwrap_or_default();
    match &change.rendered {
        None => format!("--{}={live} would vanish", change.flag),
        Some(new) => format!("--{} would change from {live} to {new:?}", change.flag),
    }
}
