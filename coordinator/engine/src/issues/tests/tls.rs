//! Certificates as addresses serve them, and the secrets behind them.

use super::*;
use crate::doors::{KeptSecret, SecretView};
use crate::survey::{Certificate, IngressController, IngressFamily, IngressView, Link, ServedCertificate};
use crate::testing::survey::certificate;
use podlift_model::survey::Seen;

const HOST: &str = "runai.example";

fn served(certificate: Seen<Certificate>) -> ServedCertificate {
    ServedCertificate { address: "10.77.0.90:443".into(), server_name: HOST.into(), certificate, page: None }
}

fn fake(subject: &str) -> Certificate {
    Certificate { subject: subject.into(), names: vec![], issuer: subject.into(), ..certificate("ff") }
}

/// Sightings of what is served now, where certificate `aa` was served before.
fn told(now: Seen<Certificate>) -> Vec<Sighting> {
    let before = Recorded { served: Ok(vec![served(Ok(certificate("aa")))]), ..Recorded::default() };
    let survey = with_ingress(now);
    seen_of(IssueName::IngressTls, &before, &at(&survey))
}

fn with_ingress(now: Seen<Certificate>) -> ClusterSurvey {
    let ingress = IngressView {
        namespace: "runai".into(),
        name: "ui".into(),
        hosts: vec![HOST.into()],
        tls_secrets: vec!["runai-tls".into()],
        addresses: vec!["10.77.0.90".into()],
    };
    ClusterSurvey { ingresses: Ok(vec![ingress]), served: vec![served(now)], ..cluster_survey() }
}

#[test]
fn each_fault_at_the_wire_is_named() {
    let past: Timestamp = "2025-10-19T00:00:00Z".parse().unwrap();
    let link = Link {
        subject: "CN=Old CA".into(),
        issuer: "CN=Root".into(),
        fingerprint: "11".into(),
        not_after: past,
    };
    let cases: [(Seen<Certificate>, &str); 9] = [
        (Err("refused: connection refused".into()), "gives no certificate: refused:"),
        (Err("not-tls: HTTP/1.1 400 Bad Request".into()), "gives no certificate: not-tls:"),
        (
            Ok(fake("O=Acme Co,CN=Kubernetes Ingress Controller Fake Certificate")),
            "the controller's own certificate",
        ),
        (
            Ok(Certificate { names: vec!["ingress.local".into()], ..fake("CN=x") }),
            "the controller's own certificate",
        ),
        (Ok(fake("CN=TRAEFIK DEFAULT CERT")), "the controller's own certificate"),
        (Ok(Certificate { not_after: past, ..certificate("aa") }), "expired on 2025-10-19"),
        (
            Ok(Certificate { chain: vec![link], ..certificate("aa") }),
            "a chain whose certificate CN=Old CA expired",
        ),
        (
            Ok(Certificate { names: vec!["other.example".into()], ..certificate("bb") }),
            "not one of this name",
        ),
        (
            Ok(Certificate { issuer: "CN=Other".into(), ..certificate("bb") }),
            "a certificate of CN=Other, it was of CN=Example CA",
        ),
    ];
    for (now, wanted) in cases {
        let seen = told(now);
        let [found] = &seen[..] else { panic!("{wanted}: {seen:?}") };
        assert!(found.what.starts_with("runai.example at 10.77.0.90:443 "), "{}", found.what);
        assert!(found.what.contains(wanted), "{wanted}: {}", found.what);
        let of_issuer = wanted.contains("it was of");
        assert_eq!(found.severity, if of_issuer { Severity::Warning } else { Severity::Blocker }, "{wanted}");
        // Only the controller's own certificate is a secret that is gone.
        let own = wanted.starts_with("the controller");
        assert_eq!(found.mend.is_some(), own, "{wanted}");
        assert!(found.evidence.iter().any(|fact| fact.source == "the record from before the run"));
    }
}

#[test]
fn what_was_served_before_and_what_renews_it_is_no_fault() {
    assert_eq!(told(Ok(certificate("aa"))), []);
    let later = Certificate { not_after: "2097-01-01T00:00:00Z".parse().unwrap(), ..certificate("bb") };
    assert_eq!(told(Ok(later)), [], "the same issuer has renewed it");
    let wildcard = Certificate { names: vec!["*.example".into()], ..certificate("aa") };
    assert_eq!(told(Ok(wildcard)), []);
    // A site whose ingress always had the controller's own certificate.
    let own = || fake("CN=Kubernetes Ingress Controller Fake Certificate");
    let before = Recorded { served: Ok(vec![served(Ok(own()))]), ..Recorded::default() };
    assert_eq!(seen_of(IssueName::IngressTls, &before, &at(&with_ingress(Ok(own())))), []);
}

#[test]
fn a_recorded_place_that_vanished_is_seen_unless_nobody_looked() {
    let before = Recorded { served: Ok(vec![served(Ok(certificate("aa")))]), ..Recorded::default() };
    let mut survey = ClusterSurvey { served: vec![], ..with_ingress(Ok(certificate("aa"))) };
    let seen = |survey: &ClusterSurvey| seen_of(IssueName::IngressTls, &before, &at(survey));
    let [gone] = &seen(&survey)[..] else { panic!("one sighting") };
    assert_eq!(gone.severity, Severity::Blocker);
    assert_eq!(gone.what, "runai.example at 10.77.0.90:443 is not served any more");
    survey.load_balancers = Err("no answer".into());
    assert_eq!(seen(&survey), []);
}

#[test]
fn without_a_record_a_fault_is_a_warning() {
    let survey = with_ingress(Ok(fake("CN=ingress.local")));
    let seen = seen_of(IssueName::IngressTls, &Recorded::default(), &at(&survey));
    assert!(matches!(&seen[..], [one] if one.severity == Severity::Warning), "{seen:?}");
}

#[test]
fn the_secret_is_that_of_the_ingress_or_of_its_controller() {
    let mut survey = with_ingress(Ok(fake("CN=ingress.local")));
    let mend = |survey: &ClusterSurvey| {
        seen_of(IssueName::IngressTls, &Recorded::default(), &at(survey)).remove(0).mend.map(|m| m.object())
    };
    assert_eq!(mend(&survey).as_deref(), Some("secret runai/runai-tls"));
    survey.ingresses.as_mut().unwrap()[0].tls_secrets.clear();
    assert_eq!(mend(&survey), None);
    survey.controllers = Ok(vec![IngressController {
        family: IngressFamily::IngressNginx,
        namespace: "ingress-nginx".into(),
        name: "ingress-nginx-controller".into(),
        default_certificate: Some("ingress-nginx/ingress-server-default-tls".into()),
    }]);
    assert_eq!(mend(&survey).as_deref(), Some("secret ingress-nginx/ingress-server-default-tls"));
}

#[test]
fn a_secret_that_is_gone_says_where_its_copy_is() {
    let survey = with_ingress(Ok(certificate("aa")));
    let of = |view: SecretView| {
        let mut now = at(&survey);
        now.secrets.insert("runai/runai-tls".into(), Ok(view));
        seen_of(IssueName::IngressTls, &Recorded::default(), &now)
    };
    let gone = |kept| SecretView { exists: false, sha256: None, copy: None, kept };
    let cases = [
        (KeptSecret::Memory, "podlift repair --issue ingress-tls", true),
        (KeptSecret::SealedOnly, "podlift secret restore runai/runai-tls", false),
        (KeptSecret::Nowhere, "run cm-kubernetes-setup", false),
    ];
    for (kept, next, mended) in cases {
        let seen = of(gone(kept));
        let [found] = &seen[..] else { panic!("{kept:?}: {seen:?}") };
        assert!(found.next.contains(next), "{}", found.next);
        assert_eq!((found.object.as_str(), found.mend.is_some()), ("secret runai/runai-tls", mended));
    }
    assert_eq!(of(SecretView { exists: true, ..gone(KeptSecret::Memory) }), []);
}

/// An ingress with several secrets: the one that is gone is mended, whatever the address serves in its place.
#[test]
fn every_secret_of_the_ingress_that_is_gone_is_mended() {
    let past: Timestamp = "2025-10-19T00:00:00Z".parse().unwrap();
    let mut survey = with_ingress(Ok(Certificate { not_after: past, ..certificate("cc") }));
    survey.ingresses.as_mut().unwrap()[0].tls_secrets.push("second".into());
    for (kept, want) in [
        (KeptSecret::Memory, Some("secret runai/second")),
        (KeptSecret::SealedOnly, Some("secret runai/second")),
        (KeptSecret::Nowhere, None),
    ] {
        let mut now = at(&survey);
        let view = |exists, kept| Ok(SecretView { exists, sha256: None, copy: None, kept });
        now.secrets.insert("runai/runai-tls".into(), view(true, KeptSecret::Memory));
        now.secrets.insert("runai/second".into(), view(false, kept));
        let seen = seen_of(IssueName::IngressTls, &Recorded::default(), &now);
        let wire = seen.iter().find(|s| s.object.starts_with(HOST)).unwrap();
        assert_eq!(wire.mend.as_ref().map(Mend::object).as_deref(), want, "{kept:?}");
    }
}

/// Somebody has made the secret anew: its certificate is shown, and nothing replaces it.
#[test]
fn a_secret_that_is_there_is_never_mended() {
    let survey = with_ingress(Ok(fake("CN=ingress.local")));
    let mut now = at(&survey);
    let there = SecretView { exists: true, sha256: None, copy: None, kept: KeptSecret::Memory };
    now.secrets.insert("runai/runai-tls".into(), Ok(there));
    let seen = seen_of(IssueName::IngressTls, &Recorded::default(), &now);
    assert!(matches!(&seen[..], [one] if one.mend.is_none() && one.next.starts_with("openssl")), "{seen:?}");
}
