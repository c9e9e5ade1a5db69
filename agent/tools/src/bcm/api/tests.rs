//! The client against a real server with mutual TLS on the loopback.
#![allow(clippy::disallowed_methods)] // the tests make their own files and servers

use super::*;
use crate::bcm::cmdaemon::{Cmdaemon, Update};
use podlift_common::clock::{Clock as _, SystemClock};
use podlift_common::durable;
use podlift_common::tls::ca::{Pair, init, issue};
use podlift_common::tls::{Identity, install_provider};
use podlift_host::real::RealHttp;
use podlift_host::testing::{Fakes, said};
use podlift_model::outcome::FailureClass;
use podlift_model::{Failure, codes};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

const NODES: &str = r#"[{"uuid":"h1","hostname":"head-01"},{"uuid":"n30","hostname":"dgx030"}]"#;
const REQUEST: &str = "0b9f36a1-8d43-4b0e-9a55-0c6f5b1d7e01";

fn authority() -> Pair {
    install_provider();
    init(&"c".parse().unwrap(), SystemClock.now()).unwrap()
}

fn leaf(ca: &Pair, identity: &str) -> Pair {
    let identity: Identity = identity.parse().unwrap();
    issue(ca, &identity, &["127.0.0.1".parse().unwrap()], 2, SystemClock.now()).unwrap()
}

/// What the server answers to one call: HTTP status and body.
type Answers = Box<dyn Fn(&Value) -> (u16, String) + Send + Sync>;

/// A CMDaemon that accepts certificates of its CA, and the calls that it got.
struct Server {
    endpoint: String,
    calls: Arc<Mutex<Vec<Value>>>,
}

impl Server {
    async fn start(ca: &Pair, answers: impl Fn(&Value) -> (u16, String) + Send + Sync + 'static) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(ca.certificate.as_bytes()).unwrap()).unwrap();
        let clients = WebPkiClientVerifier::builder(Arc::new(roots)).build().unwrap();
        let own = leaf(ca, "spiffe://podlift/c/coordinator/cmdaemon");
        let chain = CertificateDer::pem_slice_iter(own.certificate.as_bytes()).map(Result::unwrap).collect();
        let key = PrivateKeyDer::from_pem_slice(own.key.as_bytes()).unwrap();
        let config =
            ServerConfig::builder().with_client_cert_verifier(clients).with_single_cert(chain, key).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (endpoint, calls) = (listener.local_addr().unwrap().to_string(), Arc::default());
        let answers: Answers = Box::new(answers);
        tokio::spawn(serve(listener, TlsAcceptor::from(Arc::new(config)), answers, Arc::clone(&calls)));
        Self { endpoint, calls }
    }

    fn calls(&self) -> Vec<Value> {
        self.calls.lock().unwrap().clone()
    }
}

async fn serve(listener: TcpListener, tls: TlsAcceptor, answers: Answers, calls: Arc<Mutex<Vec<Value>>>) {
    while let Ok((tcp, _)) = listener.accept().await {
        let Ok(mut stream) = tls.accept(tcp).await else { continue };
        let Some(body) = body(&mut stream).await else { continue };
        let call: Value = serde_json::from_str(&body).unwrap();
        let (status, text) = answers(&call);
        calls.lock().unwrap().push(call);
        let head = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\n\r\n", text.len());
        // A client that has had enough closes the connection.
        drop(stream.write_all(head.as_bytes()).await);
        drop(stream.write_all(text.as_bytes()).await);
        drop(stream.shutdown().await);
    }
}

/// The body of one request.
async fn body(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            assert!(head.starts_with("POST /json HTTP/1.1\r\n"), "{head}");
            let length =
                head.lines().find_map(|l| l.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if Some(body.len()) == length {
                return Some(body.into());
            }
        }
        let mut part = [0; 4096];
        match stream.read(&mut part).await {
            Ok(n @ 1..) => bytes.extend_from_slice(&part[..n]),
            _ => return None,
        }
    }
}

/// A head node with a certificate of `own` that trusts `trusted`.
struct Head {
    root: tempfile::TempDir,
    host: Host,
}

impl Head {
    fn new(own: &Pair, trusted: &Pair) -> Self {
        let root = tempfile::tempdir().unwrap();
        let client = leaf(own, "spiffe://podlift/c/head/head-01");
        for (name, text) in
            [("api.crt", &client.certificate), ("api.key", &*client.key), ("ca.crt", &trusted.certificate)]
        {
            durable::write(&root.path().join("etc").join(name), text.as_bytes(), 0o600).unwrap();
        }
        let fakes = Fakes::new(|_| said(""));
        let host = Host { http: Arc::new(RealHttp::new(root.path())), ..fakes.host };
        Self { root, host }
    }

    fn api(&self, endpoint: &str) -> Api {
        Api::new(endpoint, "/etc/api.crt".into(), "/etc/api.key".into(), "/etc/ca.crt".into())
    }
}

fn refused(error: ApiError) -> Failure {
    error.into()
}

#[tokio::test]
async fn the_calls_as_they_are_on_the_wire() {
    let ca = authority();
    let server = Server::start(&ca, |call| {
        let text = match call["call"].as_str().unwrap() {
            "getNodes" => NODES.into(),
            "getSoftwareImages" => r#"[{"uuid":"i1","name":"dgx-image"}]"#.into(),
            "getProvisioningStatus" => {
                r#"{"provisioningNodeStatusList":[{"ref_node_uuid":"h1","ref_image_uuids":["i1"],"upToDate":[true],"slotsCapacity":10}]}"#.into()
            }
            "imageUpdate" => format!("[\"{REQUEST}\"]"),
            other => panic!("{other}"),
        };
        (200, text)
    })
    .await;
    let head = Head::new(&ca, &ca);
    let daemon = Cmdaemon::Api(head.api(&server.endpoint));
    let names = daemon.names(&head.host).await.unwrap();
    let state = daemon.status(&head.host, &names).await.unwrap();
    assert!(state.idle);
    assert_eq!(state.provisioners[0].node, "head-01");
    assert_eq!(state.provisioners[0].up_to_date.as_ref().unwrap()[0].as_str(), "dgx-image");
    let node = "dgx030".parse().unwrap();
    let update = daemon.update(&head.host, &node, true, false).await.unwrap();
    assert_eq!(update, Update::Requests(vec![REQUEST.into()]));
    let wire = |service: &str, call: &str, args: Value| json!({"service": service, "call": call, "args": args, "minify": true});
    assert_eq!(
        server.calls(),
        [
            wire("cmdevice", "getNodes", json!([])),
            wire("cmpart", "getSoftwareImages", json!([])),
            wire("cmprov", "getProvisioningStatus", json!([[]])),
            wire("cmdevice", "getNodes", json!([])),
            wire("cmprov", "getProvisioningStatus", json!([[]])),
            wire("cmdevice", "getNodes", json!([])),
            wire("cmprov", "imageUpdate", json!([["n30"], false, ZERO, [], []])),
        ]
    );
    let absent = "dgx099".parse().unwrap();
    let failure = daemon.update(&head.host, &absent, true, false).await.unwrap_err();
    assert!(failure.message.contains("lists no node of that name"), "{}", failure.message);
}

#[tokio::test]
async fn each_error_has_its_code_and_what_to_do() {
    let ca = authority();
    let head = Head::new(&ca, &ca);
    for (status, answer, code, words) in [
        (200, r#"{"error":"no","code":635}"#, codes::BCM_API_REFUSED, "profile may not use the service"),
        (200, r#"{"error":"no","code":640}"#, codes::BCM_API_REFUSED, "add it to the profile"),
        (401, r#"{"error":"no","code":-97}"#, codes::BCM_API_REFUSED, "does not accept the certificate"),
        (200, r#"{"error":"no","code":-98}"#, codes::BCM_API_REFUSED, "remove [bcm.api]"),
        (404, r#"{"error":"no","code":-99}"#, codes::BCM_API_REFUSED, "set url below [bcm.api]"),
        (200, r#"{"error":"busy","code":-100}"#, codes::BCM_API_REFUSED, "code -100, busy"),
        (200, "", codes::BCM_API_REFUSED, "does not know cmprov.getProvisioningStatus"),
        (200, "null", codes::BCM_ANSWER, "its answer was null"),
        (200, "<html>", codes::BCM_ANSWER, "no JSON"),
        (502, "Bad gateway", codes::BCM_ANSWER, "HTTP 502 \"Bad gateway\""),
        (200, "{}", codes::BCM_ANSWER, "names no node that provisions"),
    ] {
        let server = Server::start(&ca, move |_| (status, answer.into())).await;
        let failure = refused(head.api(&server.endpoint).status(&head.host).await.unwrap_err());
        assert_eq!(failure.code, code, "{answer}: {}", failure.message);
        let url = format!("https://{}", server.endpoint);
        assert!(failure.message.contains(words) && failure.message.contains(&url), "{}", failure.message);
    }
}

#[tokio::test]
async fn images_that_the_profile_may_not_list_leave_provisioners_without_them() {
    let ca = authority();
    let head = Head::new(&ca, &ca);
    for answer in [r#"{"error":"no","code":640}"#, r#"{"error":"no","code":635}"#, ""] {
        let server = Server::start(&ca, move |call| match call["call"] == "getNodes" {
            true => (200, NODES.into()),
            false => (200, answer.into()),
        })
        .await;
        assert_eq!(head.api(&server.endpoint).names(&head.host).await.unwrap().images, None, "{answer}");
    }
    let server = Server::start(&ca, |call| match call["call"] == "getNodes" {
        true => (200, NODES.into()),
        false => (200, r#"{"error":"no","code":-97}"#.into()),
    })
    .await;
    assert!(head.api(&server.endpoint).names(&head.host).await.is_err(), "another error is one");
}

#[tokio::test]
async fn a_request_that_was_not_started_has_its_reason() {
    let ca = authority();
    let head = Head::new(&ca, &ca);
    let with = |listed: &str| {
        format!(
            r#"{{"provisioningRequestStatusList":[{listed}],"provisioningNodeStatusList":[{{"ref_node_uuid":"h1"}}]}}"#
        )
    };
    for (answer, listed, words) in [
        (
            format!("[\"{ZERO}\"]"),
            r#"{"request_uuids":[],"destinationNode":"n30","errorMessage":"image is locked","errorDetails":"dgx"}"#,
            "image is locked: dgx",
        ),
        (
            format!("[\"{ZERO}\"]"),
            r#"{"destinationNode":"n31","errorMessage":"of another node"}"#,
            "gives no reason",
        ),
        ("[]".into(), "", "gives no reason"),
        (r#"{"request_uuids":[],"errorMessage":"node is down"}"#.into(), "", "node is down"),
    ] {
        let status = with(listed);
        let server = Server::start(&ca, move |call| match call["call"].as_str().unwrap() {
            "getNodes" => (200, NODES.into()),
            "imageUpdate" => (200, answer.clone()),
            _ => (200, status.clone()),
        })
        .await;
        let node = "dgx030".parse().unwrap();
        let asked = head.api(&server.endpoint).image_update(&head.host, &node, true).await.unwrap();
        let Asked::NotStarted(why) = asked else { panic!("{asked:?}") };
        assert!(why.contains(words), "{why}");
    }
}

#[tokio::test]
async fn certificates_of_another_authority_are_refused_on_both_sides() {
    let (ours, foreign) = (authority(), authority());
    let server = Server::start(&ours, |_| (200, "[]".into())).await;
    let unreachable = async |head: &Head, endpoint: &str| {
        let failure = refused(head.api(endpoint).nodes(&head.host).await.unwrap_err());
        assert_eq!(
            (failure.code.as_str(), failure.class),
            (codes::BCM_API_UNREACHABLE, FailureClass::Transient)
        );
        let next = ["[bcm.api] in agent.toml, then podlift retry", &format!("https://{endpoint}/json")];
        assert!(next.iter().all(|words| failure.message.contains(words)), "{}", failure.message);
        failure.message
    };
    // Of its alert the client may see only that the connection is gone.
    unreachable(&Head::new(&foreign, &ours), &server.endpoint).await;
    let impostor = unreachable(&Head::new(&ours, &foreign), &server.endpoint).await;
    assert!(impostor.contains("certificate of another CA than /etc/ca.crt"), "{impostor}");
    let without = Head::new(&ours, &ours);
    std::fs::remove_file(without.root.path().join("etc/api.key")).unwrap();
    let missing = unreachable(&without, &server.endpoint).await;
    assert!(missing.contains("api.key"), "{missing}");
    unreachable(&Head::new(&ours, &ours), "127.0.0.1:1").await;
    assert_eq!(server.calls(), [] as [Value; 0], "none of them got so far as to ask");
}

#[tokio::test]
async fn an_answer_without_end_is_cut() {
    let ca = authority();
    let server = Server::start(&ca, |_| (200, " ".repeat(MOST + 1))).await;
    let head = Head::new(&ca, &ca);
    let failure = refused(head.api(&server.endpoint).nodes(&head.host).await.unwrap_err());
    assert!(failure.message.contains("the answer has more than 67108864 bytes"), "{}", failure.message);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_has_a_limit() {
    let ca = authority();
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let head = Head::new(&ca, &ca);
    let endpoint = silent.local_addr().unwrap().to_string();
    let failure = refused(head.api(&endpoint).nodes(&head.host).await.unwrap_err());
    assert!(failure.message.contains("no answer within 120 s"), "{}", failure.message);
}
