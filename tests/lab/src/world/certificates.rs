//! Certificates on the nodes' disks, as kubeadm and the kubelet leave them. Keys cost time: one that was made is given again.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, PoisonError};

/// PEM.
#[derive(Debug, Clone)]
pub struct Pair {
    pub certificate: String,
    pub key: String,
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
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    if authority.is_none() {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }
    let day = end.to_zoned(TimeZone::UTC);
    let month = u8::try_from(day.month()).unwrap_or(1);
    params.not_before = rcgen::date_time_ymd(2024, 1, 1);
    params.not_after = rcgen::date_time_ymd(day.year().into(), month, u8::try_from(day.day()).unwrap_or(1));
    let certificate = match authority {
        None => params.self_signed(&key)?,
        Some(by) => params
            .signed_by(&key, &Issuer::from_ca_cert_pem(&by.certificate, KeyPair::from_pem(&by.key)?)?)?,
    };
    Ok(Pair { certificate: certificate.pem(), key: key.serialize_pem() })
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
