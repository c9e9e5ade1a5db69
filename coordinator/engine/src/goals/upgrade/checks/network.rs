//! LoadBalancer services without an address, and the certificates really served at ingress addresses.

use super::View;
use crate::program::{Finding, Severity, finding};
use crate::survey::{Certificate, ClusterSurvey, ServedCertificate};
use jiff::Timestamp;

pub fn check(view: &View) -> Vec<Finding> {
    let Some(seen) = view.cluster() else { return vec![] };
    let served = seen.served.iter().filter_map(|s| certificate(s, view.input.now));
    load_balancers(seen).into_iter().chain(served).collect()
}

fn load_balancers(seen: &ClusterSurvey) -> Vec<Finding> {
    let without = seen.load_balancers.iter().flatten().filter(|s| s.addresses.is_empty());
    without
        .map(|s| {
            let wanted = s.requested.as_ref().map(|r| format!(", it asks for {r}")).unwrap_or_default();
            let evidence = format!("LoadBalancer service {}/{} has no address{wanted}", s.namespace, s.name);
            let next = format!("kubectl -n {} describe service {}", s.namespace, s.name);
            finding("load-balancers", Severity::Warning, None, evidence, &next)
        })
        .collect()
}

fn certificate(served: &ServedCertificate, now: Timestamp) -> Option<Finding> {
    let what = match &served.certificate {
        Err(why) => format!("gives no certificate: {why}"),
        Ok(c) if c.not_after <= now => format!("serves a certificate that expired on {}", c.not_after),
        Ok(c) if !covers(c, &served.server_name) => {
            format!("serves the certificate of {} ({}), not one of this name", c.subject, c.names.join(", "))
        }
        Ok(_) => return None,
    };
    let evidence = format!("{} at {} {what}", served.server_name, served.address);
    let next =
        format!("openssl s_client -connect {} -servername {} </dev/null", served.address, served.server_name);
    Some(finding("served-certificates", Severity::Warning, None, evidence, &next))
}

/// Whether the certificate covers the name. A wildcard stands for exactly one label.
fn covers(certificate: &Certificate, name: &str) -> bool {
    let rest = name.split_once('.').map(|(_, rest)| rest);
    certificate
        .names
        .iter()
        .any(|n| n.eq_ignore_ascii_case(name) || n.strip_prefix("*.").is_some_and(|n| rest == Some(n)))
}
