//! Every API server answers /readyz at its own address, and the proxy in front of them apart: behind a proxy two servers hide the third.

use super::{Finding, View};
use crate::plan::{Severity, finding::finding};

pub fn check(view: &View) -> Vec<Finding> {
    let down = view.input.probes.iter().filter(|p| !p.ok);
    down.map(|p| {
        let evidence = format!("{} is not ready: {}", p.endpoint, p.why);
        finding(
            "api-servers",
            Severity::Blocker,
            None,
            evidence,
            "kubectl get --raw /readyz?verbose at that address; crictl logs on its node",
        )
    })
    .collect()
}
