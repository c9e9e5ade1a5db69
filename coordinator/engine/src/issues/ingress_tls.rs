//! Issue: an ingress that serves another certificate than before, usually the controller's own.

use super::{IssueName, Mend, Observed, Page, Sighting, bcm_steps, wire};
use crate::doors::{KeptSecret, SecretView};
use crate::program::{Recorded, Severity};
use crate::survey::ServedCertificate;
use std::collections::BTreeSet;

pub(super) const PAGE: Page = Page {
    explains: "An ingress controller whose TLS secret is gone serves a certificate of its own making (`ingress.local`, `Kubernetes Ingress Controller Fake Certificate`). The secret goes when the ingress is set up anew, or when its namespace is cleaned.",
    means: "Browsers and agents refuse the connection. The pods of Run:ai that talk to the control plane by its host name crash in turn.",
    repairs: "The secret is created again from the copy in the coordinator's memory or from the sealed backup with the operator's identity, and then the pods of Run:ai are restarted in order, always after `podlift approve runai-restart`. Without a copy, podlift prints the steps of cm-kubernetes-setup.",
    asks: Some("secret-restore"),
};

pub(super) fn seen(before: &Recorded, now: &Observed) -> Vec<Sighting> {
    let mut out: Vec<Sighting> =
        now.secrets.iter().filter_map(|(name, seen)| secret(now, name, seen.as_ref().ok()?)).collect();
    out.extend(vanished(before, now));
    let mut told = BTreeSet::new();
    for served in &now.survey.served {
        let Some(fault) = wire::fault(before, served, now.now) else { continue };
        // Several servers behind one address say the same.
        if told.insert((served.address.as_str(), served.server_name.as_str(), fault.what.clone())) {
            out.push(at_the_wire(now, served, fault));
        }
    }
    out
}

/// Places of the record at which no ingress has its name any more.
fn vanished(before: &Recorded, now: &Observed) -> Vec<Sighting> {
    let survey = now.survey;
    if survey.ingresses.is_err() || survey.load_balancers.is_err() {
        return vec![];
    }
    let there = |was: &ServedCertificate| {
        survey.served.iter().any(|s| (&s.address, &s.server_name) == (&was.address, &was.server_name))
    };
    let gone = before.served.iter().flatten().filter(|was| was.certificate.is_ok() && !there(was));
    let objects: BTreeSet<String> =
        gone.map(|was| format!("{} at {}", was.server_name, was.address)).collect();
    let sighting = |object: String| Sighting {
        issue: IssueName::IngressTls,
        since: None,
        what: format!("{object} is not served any more"),
        evidence: vec![],
        by: None,
        severity: Severity::Blocker,
        mend: None,
        next: "kubectl get ingresses -A".into(),
        object,
    };
    objects.into_iter().map(sighting).collect()
}

/// A secret of the record that is gone.
fn secret(now: &Observed, name: &str, seen: &SecretView) -> Option<Sighting> {
    if seen.exists {
        return None;
    }
    let (namespace, short) = name.split_once('/')?;
    let mend = Mend::RestoreSecret { namespace: namespace.into(), name: short.into() };
    let object = mend.object();
    let next = match seen.kept {
        KeptSecret::Memory => "podlift repair --issue ingress-tls".into(),
        KeptSecret::SealedOnly => format!("podlift secret restore {name} --set SET --identity FILE"),
        KeptSecret::Nowhere => bcm_steps(namespace, short),
    };
    Some(Sighting {
        issue: IssueName::IngressTls,
        since: now.writers.get(&object).and_then(|writer| writer.at),
        what: match seen.kept {
            KeptSecret::Nowhere => format!("{object} is absent, and an ingress names it"),
            _ => format!("{object} is gone, and an ingress needs it"),
        },
        evidence: vec![],
        by: now.writers.get(&object).cloned(),
        severity: Severity::Blocker,
        mend: (seen.kept == KeptSecret::Memory).then_some(mend),
        next,
        object,
    })
}

fn at_the_wire(now: &Observed, served: &ServedCertificate, fault: wire::Fault) -> Sighting {
    let secrets = secrets_of(now, &served.server_name);
    let seen = |name: &&String| now.secrets.get(name.as_str()).and_then(|seen| seen.as_ref().ok());
    // A secret that is there holds another certificate than before: that is a person's choice. One without a copy may never have been
    // there.
    let absent = |name: &&String| {
        seen(name).is_some_and(|v| !v.exists && (fault.is_default || v.kept != KeptSecret::Nowhere))
    };
    let gone = secrets.iter().find(absent);
    let gone = gone.or_else(|| secrets.iter().find(|name| fault.is_default && seen(name).is_none()));
    let mend = gone.and_then(|name| {
        let (namespace, name) = name.split_once('/')?;
        Some(Mend::RestoreSecret { namespace: namespace.into(), name: name.into() })
    });
    Sighting {
        issue: IssueName::IngressTls,
        object: format!("{} at {}", served.server_name, served.address),
        since: None,
        what: format!("{} at {} {}", served.server_name, served.address, fault.what),
        evidence: fault.evidence,
        by: None,
        severity: fault.severity,
        next: match &mend {
            Some(_) => "podlift repair --issue ingress-tls".into(),
            None => format!(
                "openssl s_client -connect {} -servername {} </dev/null",
                served.address, served.server_name
            ),
        },
        mend,
    }
}

/// The secrets, `namespace/name`, that a host may get its certificate from: those of its ingresses, or the default of the controller.
fn secrets_of(now: &Observed, host: &str) -> Vec<String> {
    let ingresses = now.survey.ingresses.iter().flatten();
    let of_host = ingresses.filter(|i| i.hosts.iter().any(|h| h.eq_ignore_ascii_case(host)));
    let named: Vec<String> =
        of_host.flat_map(|i| i.tls_secrets.iter().map(|name| format!("{}/{name}", i.namespace))).collect();
    if !named.is_empty() {
        return named;
    }
    let controllers = now.survey.controllers.iter().flatten();
    controllers.filter_map(|c| c.default_certificate.clone()).take(1).collect()
}
