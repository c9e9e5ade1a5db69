//! Certificates that are expired or soon will be, and whether kubeadm renews them in the upgrade (kubeadm 1.32
//! `phases/upgrade/staticpods.go:574-631`: its own, never the kubelet's, a CA's, or a client's of an external etcd).

use super::{Finding, View};
use crate::plan::{Severity, finding::finding};
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
        for certificate in &survey.certificates {
            let left = certificate.not_after.as_second() - view.input.now.as_second();
            let (severity, when) = match left {
                ..=0 => (Severity::Blocker, format!("expired on {}", certificate.not_after)),
                1..SOON => (
                    Severity::Warning,
                    format!("expires in {} days, on {}", left / DAY, certificate.not_after),
                ),
                _ => continue,
            };
            let CertificateFacts { path, subject, .. } = certificate;
            let evidence = format!("{path} ({subject}) {when}; {}", renewal(certificate));
            out.push(finding(ID, severity, Some(node), evidence, &next(certificate, node.as_str())));
        }
    }
    out
}

fn renewed(certificate: &CertificateFacts) -> bool {
    let file = certificate.path.rsplit('/').next().unwrap_or_default();
    !certificate.ca && RENEWED.contains(&file)
}

fn renewal(certificate: &CertificateFacts) -> &'static str {
    match (renewed(certificate), certificate.ca) {
        (true, _) => "kubeadm renews it in the upgrade",
        (false, true) => "it is a CA: nothing renews it",
        (false, false) => "kubeadm does not renew it in an upgrade",
    }
}

fn next(certificate: &CertificateFacts, node: &str) -> String {
    match renewed(certificate) {
        true => format!("ssh {node} kubeadm certs check-expiration"),
        false => format!("ssh {node} openssl x509 -noout -enddate -in {}", certificate.path),
    }
}
