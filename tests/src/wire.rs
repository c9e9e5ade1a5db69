//! What clients meet at the World's ingress, without a network.

use async_trait::async_trait;
use base64::Engine as _;
use podlift_coordinator::cluster::Certificates;
use podlift_engine::survey::{Certificate, PageView};
use podlift_lab::World;
use podlift_lab::world::certificates::{self, Pair};
use podlift_lab::world::ingress::Answer;
use podlift_model::Digest;
use podlift_model::survey::Seen;
use std::sync::Arc;

pub struct WorldCertificates(pub Arc<World>);

#[async_trait]
impl Certificates for WorldCertificates {
    async fn served(&self, address: &str, name: &str) -> Seen<Certificate> {
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
        match self.0.ingress_answers(host, name) {
            Answer::Serves(pair, _) => shown(&pair),
            Answer::Silent => Err("no-answer: no handshake within 5 s".into()),
            Answer::Resets => Err("reset: connection reset by peer".into()),
            Answer::PlainHttp => Err("not-tls: it answers HTTP/1.1 400 Bad Request".into()),
        }
    }

    async fn page(&self, address: &str, name: &str) -> Option<Seen<PageView>> {
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
        match self.0.ingress_answers(host, name) {
            Answer::Serves(_, page) => Some(Ok(PageView { status: page.status, title: page.title })),
            _ => Some(Err("reset: connection reset by peer".into())),
        }
    }
}

/// The leaf.
fn shown(pair: &Pair) -> Seen<Certificate> {
    let facts = certificates::facts(&pair.certificate).ok_or("a certificate of another maker")?;
    Ok(Certificate {
        subject: facts.subject,
        names: vec![facts.name],
        fingerprint: fingerprint(&pair.certificate),
        not_after: facts.end,
        issuer: facts.issuer,
        not_before: None,
        chain: vec![],
    })
}

/// SHA-256 of the first certificate of a PEM text.
pub fn fingerprint(pem: &str) -> String {
    let body = pem.split("-----").nth(2).unwrap_or_default();
    let text: String = body.chars().filter(|c| !c.is_whitespace()).collect();
    Digest::of(base64::engine::general_purpose::STANDARD.decode(text).unwrap_or_default()).to_string()
}
