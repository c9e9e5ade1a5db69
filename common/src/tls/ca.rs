//! podlift's own certificate authority. `podlift cert init` makes it once; it signs one leaf for one identity at a time.

use super::{Identity, Role, Subject, TlsError};
use jiff::{Timestamp, ToSpan as _, tz::TimeZone};
use podlift_model::ClusterName;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use std::net::IpAddr;

/// A certificate and its key, PEM.
#[derive(Clone)]
pub struct Pair {
    pub certificate: String,
    pub key: zeroize::Zeroizing<String>,
}

/// Days of the CA's validity (ten years); the days of a leaf are chosen.
const CA_DAYS: i64 = 3650;

/// Beginning of a CA's common name, before the cluster's name.
const OF: &str = "podlift CA of ";

fn failed(what: &'static str) -> impl Fn(rcgen::Error) -> TlsError {
    move |e| TlsError::Make(format!("{what}: {e}"))
}

/// Makes the CA of a cluster. It may sign leaves only (pathlen 0).
pub fn init(cluster: &ClusterName, now: Timestamp) -> Result<Pair, TlsError> {
    let key = KeyPair::generate().map_err(failed("CA key"))?;
    let mut params = validity(now, CA_DAYS);
    params.distinguished_name.push(DnType::CommonName, format!("{OF}{cluster}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let certificate = params.self_signed(&key).map_err(failed("CA certificate"))?;
    Ok(Pair { certificate: certificate.pem(), key: key.serialize_pem().into() })
}

/// The cluster that a CA certificate of `init` names; `None` if it has another origin, and names none.
pub fn cluster_of(certificate: &str) -> Result<Option<ClusterName>, TlsError> {
    let bad = |e: &dyn std::fmt::Display| TlsError::Make(format!("the CA's certificate: {e}"));
    let (_, pem) = x509_parser::pem::parse_x509_pem(certificate.as_bytes()).map_err(|e| bad(&e))?;
    let parsed = pem.parse_x509().map_err(|e| bad(&e))?;
    let names = parsed.subject().iter_common_name().filter_map(|name| name.as_str().ok());
    let name = names.filter_map(|name| name.strip_prefix(OF)).next();
    name.map(|name| ClusterName::new(name).map_err(|e| bad(&e))).transpose()
}

/// Issues a leaf for exactly one identity. `addresses` are extra IP names, for coordinators that other tools also connect to.
pub fn issue(
    ca: &Pair,
    identity: &Identity,
    addresses: &[IpAddr],
    days: u16,
    now: Timestamp,
) -> Result<Pair, TlsError> {
    let ca_key = KeyPair::from_pem(&ca.key).map_err(failed("the CA's key"))?;
    let issuer = Issuer::from_ca_cert_pem(&ca.certificate, ca_key).map_err(failed("the CA's certificate"))?;
    let key = KeyPair::generate().map_err(failed("key"))?;
    let mut params = validity(now, i64::from(days));
    params.distinguished_name.push(DnType::CommonName, identity.subject.to_string());
    if matches!(identity.subject, Subject::Operator(_)) && identity.role != Role::Viewer {
        params.distinguished_name.push(DnType::OrganizationName, identity.role.organization());
    }
    let uri = identity.uri().try_into().map_err(failed("URI name"))?;
    params.subject_alt_names = vec![SanType::URI(uri)];
    params.subject_alt_names.extend(addresses.iter().map(|a| SanType::IpAddress(*a)));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = match identity.subject {
        Subject::Coordinator(_) => vec![ExtendedKeyUsagePurpose::ServerAuth],
        Subject::Node(_) | Subject::Head(_) | Subject::Operator(_) => {
            vec![ExtendedKeyUsagePurpose::ClientAuth]
        }
    };
    params.use_authority_key_identifier_extension = true;
    let certificate = params.signed_by(&key, &issuer).map_err(failed("certificate"))?;
    Ok(Pair { certificate: certificate.pem(), key: key.serialize_pem().into() })
}

/// Valid from the beginning of yesterday: between one and two days ago. A node whose clock is hours behind must still connect, because only
/// then can the preflight report its clock. This weakens nothing, as the key did not exist then.
fn validity(now: Timestamp, days: i64) -> CertificateParams {
    let day = |offset: i64| {
        let date = now.to_zoned(TimeZone::UTC).date().saturating_add(offset.days());
        rcgen::date_time_ymd(date.year().into(), date.month() as u8, date.day() as u8)
    };
    let mut params = CertificateParams::default();
    (params.not_before, params.not_after) = (day(-1), day(days + 1));
    params
}
