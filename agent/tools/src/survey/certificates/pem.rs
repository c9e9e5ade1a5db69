//! The first certificate of a PEM file: of a chain it is the one that is shown. A key that stands beside it is skipped.

use jiff::Timestamp;
use podlift_model::survey::CertificateFacts;
use x509_parser::pem::Pem;

pub fn first(bytes: &[u8], path: &str) -> Result<CertificateFacts, String> {
    let certificate = Pem::iter_from_buffer(bytes).filter_map(Result::ok).find(|p| p.label == "CERTIFICATE");
    let certificate = certificate.ok_or_else(|| "it holds no certificate".to_string())?;
    let x509 = certificate.parse_x509().map_err(|e| format!("its certificate can't be read: {e}"))?;
    let seconds = x509.validity().not_after.timestamp();
    Ok(CertificateFacts {
        index: 0,
        path: path.into(),
        subject: x509.subject().to_string(),
        not_after: Timestamp::from_second(seconds).map_err(|e| format!("its end can't be read: {e}"))?,
        ca: x509.is_ca(),
    })
}
