//! Certificates on the nodes' disks, as kubeadm and the kubelet leave them. Keys cost time: one that was made is given again.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType};
use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, PoisonError};

/// PEM.
#[derive(Debug, Clone)]
pub struct Pair {
    pub certificate: String,
    pub key: String,
}

/// What a certificate says of itself, for doubles that show one without a handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    pub subject: String,
    pub issuer: String,
    pub name: String,
    pub end: Timestamp,
}

static FACTS: LazyLock<Mutex<BTreeMap<String, Facts>>> = LazyLock::new(Mutex::default);

/// Of a certificate that `site` or `own` has made, by its PEM.
pub fn facts(certificate: &str) -> Option<Facts> {
    FACTS.lock().unwrap_or_else(PoisonError::into_inner).get(certificate).cloned()
}

fn told(pair: &Pair, facts: Facts) {
    FACTS.lock().unwrap_or_else(PoisonError::into_inner).insert(pair.certificate.clone(), facts);
}

/// Far from every lab's clock, the paused one of the tests and the real one.
const LONG: &str = "2036-01-01T00:00:00Z";

/// Name of the cluster's CA.
const AUTHORITY: &str = "kubernetes";

type Made = BTreeMap<(String, bool, Timestamp), Pair>;
static MADE: LazyLock<Mutex<Made>> = LazyLock::new(Mutex::default);

/// Of a cluster that was renewed lately.
pub fn good(name: &str, ca: bool) -> Pair {
    until(name, ca, LONG.parse().unwrap_or(Timestamp::MAX))
}

/// A CA is signed by itself, everything else by the cluster's CA, which kubeconfigs trust. The end is that day's beginning.
pub fn until(name: &str, ca: bool, end: Timestamp) -> Pair {
    let authority = (!ca).then(|| good(AUTHORITY, true));
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let key = (name.to_string(), ca, end);
    if let Some(pair) = made.get(&key) {
        return pair.clone();
    }
    let pair = make(name, authority.as_ref(), end)
        .unwrap_or_else(|e| panic!("the lab can't make a certificate: {e}"));
    made.insert(key, pair.clone());
    pair
}

/// `authority`: who signs it; None: it is a CA.
fn make(name: &str, authority: Option<&Pair>, end: Timestamp) -> Result<Pair, rcgen::Error> {
    let key = KeyPair::generate()?;
    let mut params = plain(name);
    if authority.is_none() {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }
    dated(&mut params, end);
    let certificate = match authority {
        None => params.self_signed(&key)?,
        Some(by) => params
            .signed_by(&key, &Issuer::from_ca_cert_pem(&by.certificate, KeyPair::from_pem(&by.key)?)?)?,
    };
    Ok(Pair { certificate: certificate.pem(), key: key.serialize_pem() })
}

/// The authority that signs what a site's ingress presents.
const SITE_AUTHORITY: &str = "Superpod Example CA";

/// A certificate of the site for one name (with a star in front, if need be) that ends that day, and its authority's behind it.
pub fn site(name: &str, end: Timestamp) -> Pair {
    let key = (format!("site:{name}"), false, end);
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(pair) = made.get(&key) {
        return pair.clone();
    }
    let pair = sign(name, end).unwrap_or_else(|e| panic!("the lab can't make a certificate: {e}"));
    let issuer = format!("CN={SITE_AUTHORITY}");
    told(&pair, Facts { subject: format!("CN={name}"), issuer, name: name.into(), end });
    made.insert(key, pair.clone());
    pair
}

/// A certificate of the site that is good for years.
pub fn site_for_years(name: &str) -> Pair {
    site(name, LONG.parse().unwrap_or(Timestamp::MAX))
}

/// The authority ends on the same day, so that an expired certificate has an expired chain.
fn sign(name: &str, end: Timestamp) -> Result<Pair, rcgen::Error> {
    let authority = make(SITE_AUTHORITY, None, end)?;
    let issuer = Issuer::from_ca_cert_pem(&authority.certificate, KeyPair::from_pem(&authority.key)?)?;
    let key = KeyPair::generate()?;
    let mut params = plain(name);
    params.subject_alt_names = vec![SanType::DnsName(name.try_into()?)];
    dated(&mut params, end);
    let leaf = params.signed_by(&key, &issuer)?.pem();
    Ok(Pair { certificate: leaf + &authority.certificate, key: key.serialize_pem() })
}

/// The certificate that an ingress controller makes for itself where it has no other one.
pub fn own(organization: &str, name: &str, alternative: &str) -> Pair {
    let key = (format!("own:{name}"), false, Timestamp::MAX);
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(pair) = made.get(&key) {
        return pair.clone();
    }
    let make = || -> Result<Pair, rcgen::Error> {
        let key = KeyPair::generate()?;
        let mut params = plain(name);
        if !organization.is_empty() {
            params.distinguished_name.push(DnType::OrganizationName, organization);
        }
        params.subject_alt_names = vec![SanType::DnsName(alternative.try_into()?)];
        dated(&mut params, LONG.parse().unwrap_or(Timestamp::MAX));
        Ok(Pair { certificate: params.self_signed(&key)?.pem(), key: key.serialize_pem() })
    };
    let pair = make().unwrap_or_else(|e| panic!("the lab can't make a certificate: {e}"));
    let subject = match organization {
        "" => format!("CN={name}"),
        _ => format!("CN={name}, O={organization}"),
    };
    let end = LONG.parse().unwrap_or(Timestamp::MAX);
    told(&pair, Facts { issuer: subject.clone(), subject, name: alternative.into(), end });
    made.insert(key, pair.clone());
    pair
}

fn plain(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn dated(params: &mut CertificateParams, end: Timestamp) {
    let day = end.to_zoned(TimeZone::UTC);
    let month = u8::try_from(day.month()).unwrap_or(1);
    params.not_before = rcgen::date_time_ymd(2024, 1, 1);
    params.not_after = rcgen::date_time_ymd(day.year().into(), month, u8::try_from(day.day()).unwrap_or(1));
}

fn encoded(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

/// The cluster's CA as kubeconfigs have it.
pub fn authority() -> String {
    encoded(&good(AUTHORITY, true).certificate)
}

/// A kubeconfig as kubeadm writes it.
pub fn kubeconfig(server: &str, user: &str, pair: &Pair) -> String {
    format!(
        "apiVersion: v1\nclusters:\n- cluster:\n    certificate-authority-data: {ca}\n    server: https://{server}\n  name: kubernetes\n\
         contexts:\n- context:\n    cluster: kubernetes\n    user: {user}\n  name: {user}@kubernetes\ncurrent-context: {user}@kubernetes\n\
         kind: Config\npreferences: {{}}\nusers:\n- name: {user}\n  user:\n    client-certificate-data: {certificate}\n    client-key-data: {key}\n",
        ca = authority(),
        certificate = encoded(&pair.certificate),
        key = encoded(&pair.key),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sites_certificate_has_its_authority_behind_it() {
        let soon = "2025-11-01T00:00:00Z".parse().unwrap();
        let pair = site("*.superpod.example", soon);
        assert_eq!(pair.certificate.matches("BEGIN CERTIFICATE").count(), 2);
        assert_eq!(site("*.superpod.example", soon).key, pair.key);
        assert_ne!(own("", "ingress.local", "ingress.local").key, pair.key);
    }

    #[test]
    fn one_that_was_made_is_given_again() {
        let soon = "2025-11-01T00:00:00Z".parse().unwrap();
        assert_eq!(until("a", false, soon).key, until("a", false, soon).key);
        assert_ne!(until("a", false, soon).key, good("a", false).key);
        let text =
            kubeconfig("10.0.0.1:6443", "system:kube-scheduler", &good("system:kube-scheduler", false));
        let parsed: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
        assert!(parsed["users"][0]["user"]["client-certificate-data"].as_str().unwrap().len() > 100);
    }
}
