//! The certificates of a PEM file, in order: the first one of a chain is the one that a server shows; in a CA bundle several count. A key
//! in the same file is skipped.

use jiff::Timestamp;
use podlift_model::survey::CertificateFacts;
use x509_parser::pem::Pem;
use x509_parser::prelude::X509Certificate;

/// The PEM blocks that are certificates.
pub fn blocks(bytes: &[u8]) -> Vec<Pem> {
    Pem::iter_from_buffer(bytes).filter_map(Result::ok).filter(|p| p.label == "CERTIFICATE").collect()
}

/// The certificates, and why one could not be read.
pub fn all(bytes: &[u8], path: &str) -> (Vec<CertificateFacts>, Option<String>) {
    let (mut facts, mut strange) = (Vec::new(), None);
    let blocks = blocks(bytes);
    if blocks.is_empty() {
        strange = Some("it holds no certificate".to_string());
    }
    for (index, block) in (0u32..).zip(&blocks) {
        match parsed(block).and_then(|x509| of(&x509, path, index)) {
            Ok(found) => facts.push(found),
            Err(why) => strange = Some(format!("certificate {}: {why}", index + 1)),
        }
    }
    (facts, strange)
}

pub fn parsed(block: &Pem) -> Result<X509Certificate<'_>, String> {
    block.parse_x509().map_err(|e| format!("it can't be read: {e}"))
}

fn of(x509: &X509Certificate<'_>, path: &str, index: u32) -> Result<CertificateFacts, String> {
    let seconds = x509.validity().not_after.timestamp();
    Ok(CertificateFacts {
        index,
        path: path.into(),
        subject: x509.subject().to_string(),
        not_after: Timestamp::from_second(seconds).map_err(|e| format!("its end can't be read: {e}"))?,
        ca: x509.is_ca(),
    })
}

/// The common name of the first certificate.
pub fn common_name(bytes: &[u8]) -> Result<String, String> {
    let blocks = blocks(bytes);
    let x509 = parsed(blocks.first().ok_or("it holds no certificate")?)?;
    let name = x509.subject().iter_common_name().next().and_then(|cn| cn.as_str().ok());
    name.map(String::from).ok_or_else(|| format!("its certificate has no common name: {}", x509.subject()))
}
