//! Certificates that have expired or soon will, and whether kubeadm renews them in the upgrade (kubeadm 1.32
//! `phases/upgrade/staticpods.go:574-631`: its own, but never the kubelet's, a CA's, or a client's of an external etcd).

use super::View;
use crate::program::{Finding, Severity, finding};
use podlift_model::survey::CertificateFacts;

const ID: &str = "certificates";
const DAY: i64 = 86_400;
const SOON: i64 = 30 * DAY;
const RENEWED: &[&str] = &[
    "apiserver.crt",
    "apiserver-kubelet-client.crt",
    "front-proxy-client.crt",
    "controller-manager.conf",
    "scheduler.conf",
    "admin.conf",
    "super-admin.conf",
];

pub fn check(view: &View) -> Vec<Finding> {
    let mut out = Vec::new();
    for (node, survey) in view.surveys() {
        let facts = view.input.inventory.get(node).and_then(|n| n.facts.as_ref());
        let renews = match (survey.external_ca, facts.is_none_or(|f| f.certificate_renewal)) {
            (Some(true), _) => Renews::ExternalCa,
            (_, false) => Renews::Not,
            _ => Renews::Yes,
        };
        for certificate in &survey.certificates {
            let left = certificate.not_after.as_second() - view.input.now.as_second();
            let (severity, when) = match left {
                ..=0 => (Severity::Blocker, format!("expired on {}", certificate.not_after)),
                1..SOON => (
                    Severity::Warning,
                    format!(
                        "expires in {}, on {}",
                        podlift_model::count(left / DAY, "day"),
                        certificate.not_after
                    ),
                ),
                _ => continue,
            };
            let of = Certificate { certificate, renews };
            let old = succeeded(&survey.certificates, certificate);
            let (severity, meaning) = match old {
                true => (Severity::Note, "a later CA stands beside it in the same file".into()),
                false => (severity, of.renewal()),
            };
            let CertificateFacts { path, subject, .. } = certificate;
            let evidence = format!("{path} ({subject}) {when}; {meaning}");
            out.push(finding(ID, severity, Some(node), evidence, &of.next(node.as_str())));
        }
    }
    out
}

/// Whether kubeadm renews its own certificates on this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Renews {
    Yes,
    /// There is no ca.key: kubeadm reports that and continues.
    ExternalCa,
    /// `certificate_renewal = false` in agent.toml.
    Not,
}

/// Whether another CA of the same bundle lasts longer. What the old CA has signed is no longer in use, or soon will not be.
fn succeeded(all: &[CertificateFacts], old: &CertificateFacts) -> bool {
    let mut beside = all.iter().filter(|c| c.path == old.path && c.index != old.index && c.ca);
    old.ca && beside.any(|c| c.not_after.as_second() - old.not_after.as_second() >= SOON)
}

struct Certificate<'a> {
    certificate: &'a CertificateFacts,
    renews: Renews,
}

impl Certificate<'_> {
    fn kubeadms(&self) -> bool {
        let file = self.certificate.path.rsplit('/').next().unwrap_or_default();
        !self.certificate.ca && RENEWED.contains(&file)
    }

    fn renewal(&self) -> String {
        let until = self.certificate.not_after;
        match (self.kubeadms(), self.renews) {
            (true, Renews::Yes) => "kubeadm renews it in the upgrade".into(),
            (true, Renews::ExternalCa) => {
                format!("external CA: kubeadm renews nothing; renew it by your own tool before {until}")
            }
            (true, Renews::Not) => {
                format!(
                    "renewal is switched off on this node (certificate_renewal in agent.toml); renew it by your own tool before {until}"
                )
            }
            (false, _) if self.certificate.ca => "it is a CA: nothing renews it".into(),
            (false, _) => "kubeadm does not renew it in an upgrade".into(),
        }
    }

    fn next(&self, node: &str) -> String {
        match self.kubeadms() && self.renews == Renews::Yes {
            true => format!("ssh {node} kubeadm certs check-expiration"),
            false => format!("ssh {node} openssl x509 -noout -enddate -in {}", self.certificate.path),
        }
    }
}
