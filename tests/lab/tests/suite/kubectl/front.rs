//! An address on loopback where the double answers over TLS, as the lab's own API servers do.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use podlift_lab::World;
use podlift_lab::api::{Caller, handle};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// HOST:PORT and the PEM of the certificate to trust.
pub async fn serve(world: Arc<World>, front: &str) -> (String, String) {
    let front = front.to_string();
    listen(move |request| answer(world.clone(), front.clone(), request)).await
}

/// The same for any answers.
pub async fn listen<A, F, B, E>(answer: A) -> (String, String)
where
    A: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Response<B>, E>> + Send,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_string()]).unwrap();
    let (pem, der) = (made.cert.pem(), made.cert.der().clone());
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![der], key)
        .unwrap();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let tls = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let (answer, tls) = (answer.clone(), tls.clone());
            tokio::spawn(async move {
                let Ok(stream) = tls.accept(tcp).await else { return };
                let service = service_fn(move |r: Request<Incoming>| answer(r));
                // A client that goes away is no error.
                hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await
                    .ok();
            });
        }
    });
    (address, pem)
}

async fn answer(
    world: Arc<World>,
    front: String,
    request: Request<Incoming>,
) -> std::io::Result<podlift_lab::api::Reply> {
    let (parts, body) = request.into_parts();
    let token = parts
        .headers
        .get("authorization")
        .and_then(|v| v.to_str().ok()?.strip_prefix("Bearer ").map(String::from));
    let caller = Caller(token.filter(|t| *t == world.shape.token).map(|_| "podlift".into()));
    let body: Bytes = body.collect().await.map_err(std::io::Error::other)?.to_bytes();
    handle(&world, &front, &caller, Request::from_parts(parts, body)).await
}
