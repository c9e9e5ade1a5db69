//! The credentials of podlift's own kubeconfig, for connections that the coordinator opens without the kube client: a client certificate or
//! a bearer token. They come from the kubeconfig alone; logins of another program (exec, auth-provider) are not supported.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::config::{KubeConfigOptions, Kubeconfig};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The default is empty: the API server then sees an anonymous caller.
#[derive(Default)]
pub struct Credentials {
    pub(super) certificate: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
    token: Token,
}

#[derive(Default)]
enum Token {
    #[default]
    None,
    Text(String),
    /// Read at each use, because the file's writer renews it.
    File(PathBuf),
}

#[derive(Debug, thiserror::Error)]
#[error("the credentials of kubeconfig {path} can't be used: {why}; set kubernetes.kubeconfig")]
pub struct CredentialsError {
    path: String,
    why: String,
}

impl Credentials {
    pub async fn of(kubeconfig: &Path) -> Result<Self, CredentialsError> {
        let bad = |why: String| CredentialsError { path: kubeconfig.display().to_string(), why };
        let file = Kubeconfig::read_from(kubeconfig).map_err(|e| bad(e.to_string()))?;
        let options = KubeConfigOptions::default();
        let config = kube::Config::from_custom_kubeconfig(file, &options).await;
        let config = config.map_err(|e| bad(e.to_string()))?;
        // The crate reveals secrets only by serialization, as the file has them.
        let auth = serde_json::to_value(&config.auth_info).map_err(|e| bad(e.to_string()))?;
        Self::from_auth(&auth).map_err(bad)
    }

    fn from_auth(auth: &Value) -> Result<Self, String> {
        let text = |key: &str| auth[key].as_str();
        let chain = material(text("client-certificate-data"), text("client-certificate"))?;
        let key = material(text("client-key-data"), text("client-key"))?;
        let token = match (text("token"), text("tokenFile")) {
            (Some(token), _) => Token::Text(token.into()),
            (None, Some(file)) => Token::File(file.into()),
            (None, None) => Token::None,
        };
        let certificate = chain.zip(key).map(|(chain, key)| pair(&chain, &key)).transpose()?;
        Ok(Self { certificate, token })
    }

    /// For the header of a request; `None` if there is no token.
    pub(super) fn bearer(&self) -> Option<String> {
        let token = match &self.token {
            Token::None => return None,
            Token::Text(token) => token.clone(),
            Token::File(path) => String::from_utf8(podlift_common::durable::read(path).ok()?).ok()?,
        };
        Some(format!("Bearer {}", token.trim()))
    }
}

type Pair = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn pair(chain: &[u8], key: &[u8]) -> Result<Pair, String> {
    let chain: Vec<_> =
        CertificateDer::pem_slice_iter(chain).collect::<Result<_, _>>().map_err(|e| e.to_string())?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|e| e.to_string())?;
    if chain.is_empty() { Err("client-certificate holds no certificate".into()) } else { Ok((chain, key)) }
}

/// Data takes precedence over a file, as in kubectl.
fn material(data: Option<&str>, file: Option<&str>) -> Result<Option<Vec<u8>>, String> {
    match (data, file) {
        (Some(data), _) => STANDARD.decode(data.trim()).map(Some).map_err(|e| e.to_string()),
        (None, Some(file)) => {
            podlift_common::durable::read(Path::new(file)).map(Some).map_err(|e| format!("{file}: {e}"))
        }
        (None, None) => Ok(None),
    }
}
