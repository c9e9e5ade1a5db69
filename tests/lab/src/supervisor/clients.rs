//! Clients of the API that are none of podlift's: each reads an object over a connection of its own, many times a second, through the proxy
//! or at the endpoints of the service `kubernetes` without a second attempt. They count what fails, and for how long nothing succeeds.

use super::lab::Lab;
use anyhow::Context as _;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde::Serialize;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

/// Between two requests of one client.
const EACH: Duration = Duration::from_millis(20);
/// A request that takes longer has failed.
const LIMIT: Duration = Duration::from_secs(5);
const OBJECT: &str = "/api/v1/namespaces/kube-system/configmaps/kubeadm-config";

#[derive(Debug, Clone, Default, Serialize)]
pub struct Figures {
    pub requests: u64,
    pub failed: u64,
    /// The longest time between two successes.
    pub longest_gap_ms: u64,
    /// How requests failed, and how many did.
    pub failures: BTreeMap<String, u64>,
}

#[derive(Default)]
struct Seen {
    figures: Figures,
    succeeded: Option<Instant>,
}

/// A client that asks until it is stopped.
pub struct Client {
    seen: Arc<Mutex<Seen>>,
    _task: JoinSet<()>,
}

/// Whom a client asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    Proxy,
    /// Each API server in turn, whatever its state is.
    Endpoints,
}

impl Client {
    pub fn start(lab: &Lab, at: At) -> anyhow::Result<Self> {
        let shape = &lab.world.shape;
        let targets = match at {
            At::Proxy => vec![lab.proxy().to_string()],
            At::Endpoints => {
                shape.control_planes.iter().map(|n| format!("{}:6443", shape.address(n))).collect()
            }
        };
        let ca = podlift_common::durable::read_to_string(&lab.at("head/kubernetes-ca.crt"))?;
        let from = lab.head_address().context("the head node's address")?;
        let asks = Asks { tls: connector(&ca)?, token: shape.token.clone(), from };
        let seen = Arc::new(Mutex::new(Seen::default()));
        let mut task = JoinSet::new();
        task.spawn(ask_on(Arc::new(asks), targets, seen.clone()));
        Ok(Self { seen, _task: task })
    }

    pub fn figures(&self) -> Figures {
        let mut seen = locked(&self.seen);
        // A silence that lasts until now counts.
        seen.gap(Instant::now());
        seen.figures.clone()
    }
}

fn locked(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Seen {
    fn gap(&mut self, now: Instant) {
        let gap = self.succeeded.map_or(0, |last| now.duration_since(last).as_millis());
        let gap = u64::try_from(gap).unwrap_or(u64::MAX);
        self.figures.longest_gap_ms = self.figures.longest_gap_ms.max(gap);
    }

    fn ended(&mut self, result: Result<(), String>) {
        self.figures.requests += 1;
        match result {
            Ok(()) => {
                let now = Instant::now();
                self.gap(now);
                self.succeeded = Some(now);
            }
            Err(why) => {
                self.figures.failed += 1;
                *self.figures.failures.entry(why).or_default() += 1;
            }
        }
    }
}

async fn ask_on(asks: Arc<Asks>, targets: Vec<String>, seen: Arc<Mutex<Seen>>) {
    let mut pace = tokio::time::interval(EACH);
    pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut open = JoinSet::new();
    for target in targets.iter().cycle() {
        pace.tick().await;
        while open.try_join_next().is_some() {}
        let (asks, target, seen) = (asks.clone(), target.clone(), seen.clone());
        open.spawn(async move {
            let asked = tokio::time::timeout(LIMIT, asks.once(&target)).await;
            let late = |_| Err(format!("no answer within {} s", LIMIT.as_secs()));
            locked(&seen).ended(asked.unwrap_or_else(late));
        });
    }
}

fn connector(ca: &str) -> anyhow::Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca.as_bytes()).context("the cluster's CA")?)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(TlsConnector::from(Arc::new(builder.with_root_certificates(roots).with_no_client_auth())))
}

struct Asks {
    tls: TlsConnector,
    token: String,
    from: IpAddr,
}

impl Asks {
    async fn connect(&self, target: &str) -> std::io::Result<TcpStream> {
        let target = target.parse().map_err(std::io::Error::other)?;
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(self.from, 0))?;
        socket.connect(target).await
    }

    async fn once(&self, target: &str) -> Result<(), String> {
        let io = |what: &'static str| move |e: std::io::Error| format!("{what}: {}", e.kind());
        let tcp = self.connect(target).await.map_err(io("connect"))?;
        let host = target.split(':').next().unwrap_or_default();
        let ip: IpAddr = host.parse().map_err(|_| format!("{host} is no address"))?;
        let mut tls = self.tls.connect(ServerName::IpAddress(ip.into()), tcp).await.map_err(io("TLS"))?;
        let request = format!(
            "GET {OBJECT} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {}\r\nconnection: close\r\n\r\n",
            self.token
        );
        tls.write_all(request.as_bytes()).await.map_err(io("write"))?;
        let mut answer = vec![];
        let read = tls.read_to_end(&mut answer).await;
        let text = String::from_utf8_lossy(&answer);
        match text.split_whitespace().nth(1) {
            // Some servers close the connection without TLS's own goodbye.
            Some("200") => Ok(()),
            Some(status) => Err(format!("status {status}")),
            None => Err(read.err().map_or_else(|| "no answer".into(), io("read"))),
        }
    }
}
