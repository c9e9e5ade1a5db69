//! Pods that a drain can't move or moves with a loss: it refuses to evict a pod without a controller, and an emptyDir is lost with its pod.

use super::View;
use crate::goals::upgrade::blast;
use crate::program::{Finding, Severity, finding};

pub const BARE: &str = "bare-pods";

pub fn check(view: &View) -> Vec<Finding> {
    let Some(pods) = view.cluster().and_then(|c| c.pods.as_ref().ok()) else { return vec![] };
    let mut out = Vec::new();
    for (node, pods) in blast::by_node(pods).into_iter().filter(|(n, _)| view.chosen(n)) {
        let going = || pods.iter().filter(|p| p.evicted() && !p.finished);
        let named = |names: Vec<String>| (!names.is_empty()).then(|| names.join(", "));
        if let Some(list) = named(going().filter(|p| p.bare()).map(|p| p.full_name()).collect()) {
            let evidence = format!(
                "no controller would make these pods again, and a drain refuses because of them: {list}"
            );
            out.push(finding(
                BARE,
                Severity::Blocker,
                Some(node),
                evidence,
                &format!("kubectl get pods -A --field-selector spec.nodeName={node}"),
            ));
        }
        if let Some(list) =
            named(going().filter(|p| !p.empty_dirs.is_empty()).map(|p| p.full_name()).collect())
        {
            let evidence = format!("what these pods keep in emptyDir goes with them: {list}");
            out.push(finding("empty-dirs", Severity::Note, Some(node), evidence, ""));
        }
    }
    out
}
