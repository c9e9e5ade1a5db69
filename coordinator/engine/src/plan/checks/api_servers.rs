//! Every API server answers /readyz at its own address, and the proxy in front of them apart: behind a proxy two servers hide the third.

use super::{Finding, View};
use crate::plan::{Severity, finding::finding};
use crate::view::report::VIP;

pub fn check(view: &View) -> Vec<Finding> {
    let down = view.input.probes.iter().filter(|p| !p.ok);
    down.map(|p| {
        let evidence = format!("{} is not ready: {}", p.endpoint, p.why);
        let next = match p.endpoint.as_str() {
            VIP => "kubectl get --raw '/readyz?verbose'".into(),
            server => format!("kubectl --server https://{server} get --raw '/readyz?verbose'"),
        };
        finding("api-servers", Severity::Blocker, None, evidence, &next)
    })
    .collect()
}
