//! The client certificate within a kubeconfig.

use super::pem;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use podlift_model::survey::CertificateFacts;
use serde::Deserialize;

#[derive(Deserialize)]
struct Kubeconfig {
    #[serde(default)]
    users: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    user: User,
}

#[derive(Default, Deserialize)]
struct User {
    #[serde(default, rename = "client-certificate-data")]
    data: Option<String>,
}

/// None: its user has none of its own in the file.
pub fn certificate(bytes: &[u8], path: &str) -> Result<Option<CertificateFacts>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not text".to_string())?;
    let config: Kubeconfig = serde_saphyr::from_str(text).map_err(|_| "it is no kubeconfig".to_string())?;
    let Some(data) = config.users.into_iter().find_map(|u| u.user.data) else { return Ok(None) };
    let bytes = STANDARD.decode(data.trim()).map_err(|_| "its certificate is no base64".to_string())?;
    pem::first(&bytes, path).map(Some)
}
