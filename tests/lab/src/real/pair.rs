//! A real etcd and a real kube-apiserver on loopback, with certificates of their own, gone with the test. No controllers, no scheduler.

use super::certs::Files;
use super::process::Process;
use podlift_coordinator::cluster::{HttpsProber, Prober as _, connect};
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A cold start of both on a slow machine.
const LIMIT: Duration = Duration::from_secs(120);
/// Of one request.
const REQUEST: Duration = Duration::from_secs(10);

pub struct Pair {
    // In the order in which they end.
    _server: Process,
    _etcd: Process,
    files: Files,
    address: String,
    _dir: TempDir,
}

impl Pair {
    /// Ready when it returns; panics with the log of the process that failed.
    pub async fn start(assets: &Path) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let files = Files::make(dir.path());
        let (store, port) = (free_port(), free_port());
        let mut etcd = Process::start(&assets.join("etcd"), &etcd_flags(dir.path(), store), dir.path());
        let mut server = Process::start(
            &assets.join("kube-apiserver"),
            &server_flags(&files, dir.path(), store, port),
            dir.path(),
        );
        let address = format!("127.0.0.1:{port}");
        let ca = files.path("ca.crt");
        let prober = HttpsProber::new(Path::new(&ca), address.clone(), Duration::from_secs(5)).unwrap();
        let begin = Instant::now();
        loop {
            let probe = prober.probe(&address).await;
            if probe.ok {
                return Self { _server: server, _etcd: etcd, files, address, _dir: dir };
            }
            etcd.check();
            server.check();
            let words = || format!("{}\n{}", etcd.last_words(), server.last_words());
            assert!(begin.elapsed() < LIMIT, "not ready after {LIMIT:?}: {}\n{}", probe.why, words());
            // Another process: there is nothing to wait on but its answer.
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }

    pub fn address(&self) -> String {
        self.address.clone()
    }

    /// An administrator's client as the coordinator makes it, of a kubeconfig.
    pub async fn admin(&self) -> kube::Client {
        self.client("admin.conf", true).await
    }

    /// A client that the API server does not know.
    pub async fn stranger(&self) -> kube::Client {
        self.client("stranger.conf", false).await
    }

    async fn client(&self, name: &str, admin: bool) -> kube::Client {
        connect(&self.files.kubeconfig(&self.address, name, admin), REQUEST).await.unwrap()
    }

    pub fn prober(&self) -> HttpsProber {
        HttpsProber::new(Path::new(&self.files.path("ca.crt")), self.address.clone(), REQUEST).unwrap()
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn etcd_flags(dir: &Path, port: u16) -> Vec<String> {
    vec![
        format!("--data-dir={}", dir.join("etcd").display()),
        format!("--listen-client-urls=http://127.0.0.1:{port}"),
        format!("--advertise-client-urls=http://127.0.0.1:{port}"),
        "--listen-peer-urls=http://127.0.0.1:0".into(),
        "--unsafe-no-fsync".into(),
    ]
}

fn server_flags(files: &Files, dir: &Path, store: u16, port: u16) -> Vec<String> {
    let file = |flag: &str, name: &str| format!("--{flag}={}", files.path(name));
    vec![
        format!("--etcd-servers=http://127.0.0.1:{store}"),
        format!("--secure-port={port}"),
        "--bind-address=127.0.0.1".into(),
        "--advertise-address=127.0.0.1".into(),
        // No client reaches this one through the `kubernetes` service.
        "--endpoint-reconciler-type=none".into(),
        format!("--cert-dir={}", dir.join("certs").display()),
        file("tls-cert-file", "server.crt"),
        file("tls-private-key-file", "server.key"),
        file("client-ca-file", "ca.crt"),
        "--service-account-issuer=https://kubernetes.default.svc".into(),
        file("service-account-key-file", "accounts.key"),
        file("service-account-signing-key-file", "accounts.key"),
        "--service-cluster-ip-range=10.96.0.0/16".into(),
        "--authorization-mode=RBAC".into(),
        // Without controllers no service accounts are made.
        "--disable-admission-plugins=ServiceAccount".into(),
        "--allow-privileged=true".into(),
    ]
}
