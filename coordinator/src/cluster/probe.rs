//! Checks whether an API server is ready, from the coordinator and at the server's own address. Each probe opens a fresh connection,
//! because a kept connection does not show whether new ones are accepted. The probe uses podlift's own credentials. A server that answers
//! 401 or 403 under the right certificate lives and requires other credentials; this never counts as "not ready".

use super::Credentials;
use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use podlift_engine::doors::{ApiProbe, VIP};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

const BODY_LIMIT: usize = 64 << 10;
const READY: &str = "/readyz";
/// An object that every cluster of kubeadm has and podlift may read. Without a resourceVersion the server reads it from etcd.
const OBJECT: &str = "/api/v1/namespaces/kube-system/configmaps/kubeadm-config";

/// A change of that object which is admitted and not stored.
const DRY_RUN: &str =
    "/api/v1/namespaces/kube-system/configmaps/kubeadm-config?dryRun=All&fieldManager=podlift-probe";
/// A change that would change nothing even if it were stored.
const NOTHING: &str = r#"{"metadata":{"annotations":{"podlift.io/probe":null}}}"#;
/// A watch that brings neither an event nor a bookmark for this long is dead; the server sends a bookmark each minute.
pub(crate) const SILENCE: Duration = Duration::from_secs(100);
/// Why such a watch ended.
pub(crate) const SILENT: &str = "the watch is silent: neither an event nor a bookmark within 100 s";
/// The server ends a watch after five minutes.
const WATCH: &str = "/api/v1/namespaces/kube-system/configmaps?watch=1&allowWatchBookmarks=true&timeoutSeconds=300&fieldSelector=metadata.name%3Dkubeadm-config";

/// Status code and first line.
type Answer = Result<(u16, String), String>;

#[async_trait]
pub trait Prober: Send + Sync {
    /// Whether the server is ready. `endpoint` is HOST:PORT, or `vip` for the shared address.
    async fn probe(&self, endpoint: &str) -> ApiProbe;

    /// Whether the server returns an object, which it has to read from etcd. A prober without access to objects asks for readiness.
    async fn read(&self, endpoint: &str) -> ApiProbe {
        self.probe(endpoint).await
    }

    /// Whether the server takes a change, which it does not store. A prober that changes nothing reads.
    async fn write(&self, endpoint: &str) -> ApiProbe {
        self.read(endpoint).await
    }

    /// Holds a watch of one object open until it ends. A prober without watches waits for ever.
    async fn watch(&self, endpoint: &str, opened: &(dyn Fn() + Send + Sync)) -> Result<(), String> {
        let _ = (endpoint, opened);
        std::future::pending().await
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ProberError {
    #[error(
        "cannot read the cluster's CA {path}: {why}; set kubernetes.ca to a copy of /etc/kubernetes/pki/ca.crt"
    )]
    Ca { path: String, why: String },
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
}

/// Asks over TLS, and checks the server against the cluster's CA.
pub struct HttpsProber {
    roots: RootCertStore,
    tls: TlsConnector,
    credentials: Credentials,
    vip: String,
    timeout: Duration,
}

impl HttpsProber {
    /// `vip` is HOST:PORT of the proxy in front of the API servers.
    pub fn new(ca: &Path, vip: String, timeout: Duration) -> Result<Self, ProberError> {
        let bad = |why: String| ProberError::Ca { path: ca.display().to_string(), why };
        let pem = podlift_common::durable::read(ca).map_err(|e| bad(e.to_string()))?;
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            roots.add(certificate.map_err(|e| bad(e.to_string()))?)?;
        }
        if roots.is_empty() {
            return Err(bad("it holds no certificate".into()));
        }
        let tls = connector(&roots, &Credentials::default())?;
        Ok(Self { roots, tls, credentials: Credentials::default(), vip, timeout })
    }

    /// Sets the credentials. Without them the API server sees an anonymous caller.
    pub fn with_credentials(self, credentials: Credentials) -> Result<Self, ProberError> {
        let tls = connector(&self.roots, &credentials)?;
        Ok(Self { tls, credentials, ..self })
    }

    /// Status code and beginning of the answer to a request.
    async fn exchange(&self, address: &str, request: http::request::Builder, body: Bytes) -> Answer {
        let (answer, connection) = self.open(address, request, body).await?;
        let read = async {
            let response = answer.await?;
            let status = response.status().as_u16();
            let body =
                Limited::new(response.into_body(), BODY_LIMIT).collect().await.map_err(|e| e.to_string())?;
            Ok((status, first_line(&body.to_bytes())))
        };
        // The connection is polled together with the answer and ends with it.
        let (answer, ()) = tokio::join!(read, connection);
        answer
    }

    /// Sends a request over a connection of its own. Both futures have to be polled.
    async fn open(
        &self,
        address: &str,
        request: http::request::Builder,
        body: Bytes,
    ) -> Result<
        (impl Future<Output = Result<http::Response<Incoming>, String>>, impl Future<Output = ()>),
        String,
    > {
        let text = |e: &dyn std::error::Error| e.to_string();
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
        let host = host.trim_start_matches('[').trim_end_matches(']').to_string();
        let name = ServerName::try_from(host).map_err(|e| text(&e))?;
        let tcp = TcpStream::connect(address).await.map_err(|e| text(&e))?;
        let stream = self.tls.connect(name, tcp).await.map_err(|e| text(&e))?;
        let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(|e| text(&e))?;
        let mut request = request.header("host", address).header("connection", "close");
        if let Some(bearer) = self.credentials.bearer() {
            request = request.header("authorization", bearer);
        }
        let request = request.body(Full::new(body)).map_err(|e| text(&e))?;
        let answer = async move { sender.send_request(request).await.map_err(|e| e.to_string()) };
        Ok((answer, async move { drop(connection.await) }))
    }

    fn address<'a>(&'a self, endpoint: &'a str) -> &'a str {
        if endpoint == VIP { &self.vip } else { endpoint }
    }

    async fn asked(
        &self,
        endpoint: &str,
        (request, body): (http::request::Builder, &'static str),
        judge: impl Fn(u16, String) -> Result<String, String>,
    ) -> ApiProbe {
        let late = |_| Err(format!("no answer within {} s", self.timeout.as_secs_f32()));
        let asked = self.exchange(self.address(endpoint), request, Bytes::from_static(body.as_bytes()));
        let answer = tokio::time::timeout(self.timeout, asked).await.unwrap_or_else(late);
        let result = answer.and_then(|(status, line)| judge(status, line));
        let ok = result.is_ok();
        ApiProbe { endpoint: endpoint.into(), ok, why: result.unwrap_or_else(|why| why) }
    }

    /// The connection ends with the watch. The end of a watch in time is no failure; a break of the connection is one.
    async fn watched(&self, endpoint: &str, opened: &(dyn Fn() + Send + Sync)) -> Result<(), String> {
        let late = |_| format!("no answer within {} s", self.timeout.as_secs_f32());
        let request = http::Request::get(WATCH);
        let opening = async {
            let (answer, connection) = self.open(self.address(endpoint), request, Bytes::new()).await?;
            let mut connection = Box::pin(connection);
            let response = tokio::select! {
                answer = answer => answer?,
                () = &mut connection => return Err("the connection ended before the answer".to_string()),
            };
            Ok((response, connection))
        };
        let (response, mut connection) =
            tokio::time::timeout(self.timeout, opening).await.map_err(late)??;
        let status = response.status().as_u16();
        if status != 200 {
            return Err(format!("{status} for a watch"));
        }
        opened();
        let mut body = response.into_body();
        let read = async {
            loop {
                match tokio::time::timeout(SILENCE, body.frame()).await {
                    Err(_) => return Err(SILENT.to_string()),
                    Ok(None) => return Ok(()),
                    Ok(Some(Ok(_))) => {}
                    Ok(Some(Err(error))) => return Err(error.to_string()),
                }
            }
        };
        tokio::pin!(read);
        tokio::select! {
            ended = &mut read => ended,
            () = &mut connection => read.await,
        }
    }
}

/// A remark on a server that lives; empty if there is none.
fn ready(status: u16, line: String) -> Result<String, String> {
    match status {
        200 => Ok(String::new()),
        401 | 403 => Ok(format!("alive, wants credentials ({status})")),
        _ => Err(format!("{status}: {line}")),
    }
}

/// A client that reads an object needs the object: a server that does not know its callers yet fails it.
fn returned(status: u16, line: String) -> Result<String, String> {
    if status == 200 { Ok(String::new()) } else { Err(format!("{status}: {line}")) }
}

fn connector(roots: &RootCertStore, credentials: &Credentials) -> Result<TlsConnector, rustls::Error> {
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots.clone());
    let mut config = match &credentials.certificate {
        Some((chain, key)) => config.with_client_auth_cert(chain.clone(), key.clone_key())?,
        None => config.with_no_client_auth(),
    };
    config.resumption = rustls::client::Resumption::disabled();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn first_line(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    text.lines().find(|l| !l.trim().is_empty()).unwrap_or("empty answer").chars().take(200).collect()
}

#[async_trait]
impl Prober for HttpsProber {
    async fn probe(&self, endpoint: &str) -> ApiProbe {
        self.asked(endpoint, (http::Request::get(READY), ""), ready).await
    }

    async fn read(&self, endpoint: &str) -> ApiProbe {
        self.asked(endpoint, (http::Request::get(OBJECT), ""), returned).await
    }

    async fn write(&self, endpoint: &str) -> ApiProbe {
        let request = http::Request::patch(DRY_RUN).header("content-type", "application/merge-patch+json");
        self.asked(endpoint, (request, NOTHING), returned).await
    }

    async fn watch(&self, endpoint: &str, opened: &(dyn Fn() + Send + Sync)) -> Result<(), String> {
        self.watched(endpoint, opened).await
    }
}

#[cfg(test)]
#[path = "probe_tests.rs"]
mod tests;
