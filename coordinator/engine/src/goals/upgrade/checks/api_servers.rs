//! Every API server answers /readyz at its own address, and so does the proxy in front of them. The proxy alone would not show a failed
//! server, because the others answer.

use super::View;
use crate::doors::VIP;
use crate::program::{Finding, Severity, finding};

pub fn check(view: &View) -> Vec<Finding> {
    let probes = view.input.probes.iter();
    // The server is alive but asks for credentials that podlift does not have, so its answer proves less than a 200.
    let closed = probes
        .clone()
        .filter(|p| p.ok && !p.why.is_empty())
        .map(|p| finding("api-servers", Severity::Note, None, format!("{}: {}", p.endpoint, p.why), ""));
    let down = probes.filter(|p| !p.ok).map(|p| {
        let evidence = format!("{} is not ready: {}", p.endpoint, p.why);
        let next = match p.endpoint.as_str() {
            VIP => "kubectl get --raw '/readyz?verbose'".into(),
            server => format!("kubectl --server https://{server} get --raw '/readyz?verbose'"),
        };
        finding("api-servers", Severity::Blocker, None, evidence, &next)
    });
    down.chain(closed).collect()
}
