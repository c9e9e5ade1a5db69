//! Every API server answers /readyz at its own address, and the proxy in front of them apart: behind a proxy two servers hide the third.

use super::View;
use crate::doors::VIP;
use crate::program::{Finding, Severity, finding};

pub fn check(view: &View) -> Vec<Finding> {
    let probes = view.input.probes.iter();
    // Alive, and not as ready as an answer of 200 would say: it asks for credentials that nobody here has.
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
