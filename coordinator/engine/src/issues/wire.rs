//! What is wrong with a certificate as an address serves it.

use super::Fact;
use crate::program::{Recorded, Severity};
use crate::survey::{Certificate, ServedCertificate};
use jiff::Timestamp;

pub(super) struct Fault {
    /// The end of a sentence that begins with name and address.
    pub what: String,
    pub evidence: Vec<Fact>,
    pub severity: Severity,
    /// The controller's own certificate, which it serves without a secret.
    pub is_default: bool,
}

/// Certificates that controllers make for themselves: ingress-nginx and haproxy-ingress, BCM's set-up of ingress-nginx, Traefik, HAProxy's own
/// controller. A gateway without a certificate has no listener at all.
const DEFAULTS: [&str; 4] = [
    "Kubernetes Ingress Controller Fake Certificate",
    "ingress.local",
    "TRAEFIK DEFAULT CERT",
    "HAProxy Ingress Controller",
];

/// `None` if the address serves what it should.
pub(super) fn fault(before: &Recorded, served: &ServedCertificate, now: Timestamp) -> Option<Fault> {
    let recorded = recorded(before, served);
    let worse = if recorded.is_empty() { Severity::Warning } else { Severity::Blocker };
    let certificate = match &served.certificate {
        Err(why) => {
            let (what, evidence) = (format!("gives no certificate: {why}"), facts(served, None, &recorded));
            return Some(Fault { what, evidence, severity: worse, is_default: false });
        }
        Ok(certificate) => certificate,
    };
    // What the address served before the run is no fault of now, whatever it is.
    let known = recorded.iter().any(|was| was.fingerprint == certificate.fingerprint);
    let is_default = is_default(certificate);
    let covered = covers(certificate, &served.server_name);
    let link = certificate.chain.iter().find(|link| link.not_after <= now);
    let (what, severity) = if certificate.not_after <= now {
        (format!("serves a certificate that expired on {}", certificate.not_after), worse)
    } else if let Some(link) = link {
        (format!("serves a chain whose certificate {} expired on {}", link.subject, link.not_after), worse)
    } else if known {
        return None;
    } else if is_default {
        let own = format!(
            "serves the controller's own certificate ({}), not one of this name",
            certificate.subject
        );
        (own, worse)
    } else if !covered {
        let names = certificate.names.join(", ");
        (format!("serves the certificate of {} ({names}), not one of this name", certificate.subject), worse)
    } else if recorded.is_empty() || recorded.iter().any(|was| renews(was, certificate)) {
        return None;
    } else {
        let was: Vec<&str> =
            recorded.iter().map(|was| was.issuer.as_str()).filter(|i| !i.is_empty()).collect();
        // A record of an older version has no issuer, and nothing to tell a renewal from.
        if was.is_empty() {
            return None;
        }
        let by = format!("serves a certificate of {}, it was of {}", certificate.issuer, was.join(", "));
        (by, Severity::Warning)
    };
    let evidence = facts(served, Some(certificate), &recorded);
    Some(Fault { what, evidence, severity, is_default })
}

fn recorded<'a>(before: &'a Recorded, served: &ServedCertificate) -> Vec<&'a Certificate> {
    let all = before.served.iter().flatten();
    let here = all.filter(|s| (&s.address, &s.server_name) == (&served.address, &served.server_name));
    here.filter_map(|s| s.certificate.as_ref().ok()).collect()
}

fn facts(served: &ServedCertificate, now: Option<&Certificate>, before: &[&Certificate]) -> Vec<Fact> {
    let text = |c: &Certificate| {
        let short: String = c.fingerprint.chars().take(12).collect();
        format!("{} of {}, SHA-256 {short}, until {}", c.subject, c.issuer, c.not_after)
    };
    let at = format!("handshake with {} for {}", served.address, served.server_name);
    let now = now.map(|c| Fact::new(text(c), at));
    now.into_iter()
        .chain(before.iter().map(|c| Fact::new(text(c), "the record from before the run")))
        .collect()
}

pub(super) fn is_default(certificate: &Certificate) -> bool {
    let texts = certificate.names.iter().chain([&certificate.subject, &certificate.issuer]);
    texts.into_iter().any(|text| DEFAULTS.iter().any(|mark| text.contains(mark)))
}

/// The same issuer has made it for the same names, and it ends later.
fn renews(was: &Certificate, now: &Certificate) -> bool {
    let names = |c: &Certificate| {
        let mut names = c.names.clone();
        names.sort();
        names
    };
    was.issuer == now.issuer && names(was) == names(now) && now.not_after > was.not_after
}

/// Whether the certificate covers the name. A wildcard stands for exactly one label.
fn covers(certificate: &Certificate, name: &str) -> bool {
    let rest = name.split_once('.').map(|(_, rest)| rest);
    certificate
        .names
        .iter()
        .any(|n| n.eq_ignore_ascii_case(name) || n.strip_prefix("*.").is_some_and(|n| rest == Some(n)))
}
