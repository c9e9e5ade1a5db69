//! HTTPS over rustls. The server's certificate is checked against a CA file and the address of the connection.
#![allow(clippy::disallowed_methods)] // this is the edge

use super::below;
use super::loopback::AnyOnLoopback;
use crate::{ClientPair, Http, HttpError, HttpTls, Post, Trust};
use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::Request;
use hyper::header::{self, HeaderValue};
use hyper_util::rt::TokioIo;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

const TIMEOUT: Duration = Duration::from_secs(10);
const BODY_LIMIT: usize = 1 << 20;

pub struct RealHttp {
    root: PathBuf,
}

impl RealHttp {
    pub fn new(root: &Path) -> Self {
        Self { root: root.into() }
    }

    /// Reads a file within the node; an absolute link is resolved within the node too.
    fn read(&self, what: &str, path: &Path) -> Result<Vec<u8>, String> {
        let named = below(&self.root, path);
        let linked = std::fs::read_link(&named).ok().filter(|to| to.is_absolute());
        let file = linked.map_or(named, |to| below(&self.root, &to));
        std::fs::read(&file).map_err(|e| format!("{what} {}: {e}", file.display()))
    }

    fn roots(&self, cas: &[&Path]) -> Result<RootCertStore, String> {
        let mut roots = RootCertStore::empty();
        for ca in cas {
            let pem = self.read("CA", ca)?;
            for certificate in CertificateDer::pem_slice_iter(&pem) {
                let certificate = certificate.map_err(|e| format!("CA {}: {e}", ca.display()))?;
                roots.add(certificate).map_err(|e| format!("CA {}: {e}", ca.display()))?;
            }
        }
        Ok(roots)
    }

    /// The CAs whose files can be read; the first one if none can, so that the error names it.
    fn there<'a>(&self, cas: &'a [PathBuf]) -> Vec<&'a Path> {
        let all = || cas.iter().map(PathBuf::as_path);
        let there: Vec<&Path> = all().filter(|ca| self.read("CA", ca).is_ok()).collect();
        if there.is_empty() { all().take(1).collect() } else { there }
    }

    fn tls(&self, host: &str, tls: &HttpTls) -> Result<TlsConnector, String> {
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|e| e.to_string())?;
        let builder = match &tls.trust {
            Trust::Ca(ca) => builder.with_root_certificates(self.roots(&[ca])?),
            Trust::AnyOf(cas) => builder.with_root_certificates(self.roots(&self.there(cas))?),
            Trust::OwnLoopback => {
                let any = AnyOnLoopback::of(host)?;
                builder.dangerous().with_custom_certificate_verifier(Arc::new(any))
            }
        };
        let config = match &tls.client {
            None => builder.with_no_client_auth(),
            Some(client) => {
                let (chain, key) = self.client(client)?;
                builder.with_client_auth_cert(chain, key).map_err(|e| format!("client certificate: {e}"))?
            }
        };
        Ok(TlsConnector::from(Arc::new(config)))
    }

    fn client(
        &self,
        pair: &ClientPair,
    ) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), String> {
        let bad = |path: &Path, e: &dyn std::fmt::Display| format!("client {}: {e}", path.display());
        let chain = self.read("client certificate", &pair.certificate)?;
        let chain = CertificateDer::pem_slice_iter(&chain).collect::<Result<Vec<_>, _>>();
        let key = self.read("client key", &pair.key)?;
        let key = PrivateKeyDer::from_pem_slice(&key).map_err(|e| bad(&pair.key, &e))?;
        Ok((chain.map_err(|e| bad(&pair.certificate, &e))?, key))
    }

    /// Sends one request, which gets its Host header here, and returns status and body of the answer.
    async fn fetch(
        &self,
        endpoint: &str,
        mut request: Request<Full<Bytes>>,
        tls: &HttpTls,
        most: usize,
    ) -> Result<(u16, String), String> {
        let headers = request.headers_mut();
        headers.insert(header::HOST, HeaderValue::from_str(endpoint).map_err(|e| e.to_string())?);
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        let (host, _) = endpoint.rsplit_once(':').ok_or("expected HOST:PORT")?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_string();
        let (trust, tls) = (&tls.trust, self.tls(&host, tls)?);
        let name = ServerName::try_from(host).map_err(|e| e.to_string())?;
        let tcp = TcpStream::connect(endpoint).await.map_err(|e| e.to_string())?;
        let stream = tls.connect(name, tcp).await.map_err(|e| refused(&e, trust))?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|e| e.to_string())?;
        let answer = async {
            let response = sender.send_request(request).await.map_err(|e| chained(&e))?;
            let status = response.status().as_u16();
            let body = Limited::new(response.into_body(), most).collect().await;
            let body = body.map_err(|e| match e.is::<LengthLimitError>() {
                true => format!("the answer has more than {most} bytes"),
                false => chained(e.as_ref()),
            })?;
            Ok((status, String::from_utf8_lossy(&body.to_bytes()).into_owned()))
        };
        // The connection is driven while the answer arrives. The request does not wait for a server that keeps the connection open.
        tokio::pin!(answer, connection);
        tokio::select! {
            answer = &mut answer => answer,
            // A server that refuses the client's certificate says so only after the handshake.
            end = &mut connection => answer.await.map_err(|why| end.err().map_or(why, |e| chained(&e))),
        }
    }
}

/// An error with its causes, because the outermost one has no reason in it.
fn chained(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |e| e.source());
    let mut texts: Vec<String> = causes.map(ToString::to_string).collect();
    texts.dedup();
    texts.join(": ")
}

/// The text of a failed handshake. A certificate of another CA is named as such, with the trusted CAs.
fn refused(error: &std::io::Error, trust: &Trust) -> String {
    let inner = error.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>());
    let cas: Vec<String> = match trust {
        Trust::Ca(ca) => vec![ca.display().to_string()],
        Trust::AnyOf(cas) => cas.iter().map(|ca| ca.display().to_string()).collect(),
        Trust::OwnLoopback => Vec::new(),
    };
    match inner {
        Some(rustls::Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        )) => format!("certificate of another CA than {}: {error}", cas.join(", ")),
        _ => error.to_string(),
    }
}

async fn within(
    limit: Duration,
    url: &str,
    fetched: impl Future<Output = Result<(u16, String), String>>,
) -> Result<(u16, String), HttpError> {
    let failed = |why: String| HttpError { url: url.into(), why };
    match tokio::time::timeout(limit, fetched).await {
        Ok(answer) => answer.map_err(failed),
        Err(_) => Err(failed(format!("no answer within {} s", limit.as_secs()))),
    }
}

#[async_trait]
impl Http for RealHttp {
    async fn get(&self, endpoint: &str, path: &str, tls: &HttpTls) -> Result<(u16, String), HttpError> {
        let url = format!("https://{endpoint}{path}");
        let fetched = async {
            let request = Request::get(path).body(Full::default()).map_err(|e| e.to_string())?;
            self.fetch(endpoint, request, tls, BODY_LIMIT).await
        };
        within(TIMEOUT, &url, fetched).await
    }

    async fn post(&self, post: &Post) -> Result<(u16, String), HttpError> {
        let fetched = async {
            let body = Full::new(Bytes::from(post.body.clone()));
            let request = Request::post(&post.path).header(header::CONTENT_TYPE, "application/json");
            let request = request.body(body).map_err(|e| e.to_string())?;
            self.fetch(&post.endpoint, request, &post.tls, post.most).await
        };
        within(post.limit, &post.url(), fetched).await
    }
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
