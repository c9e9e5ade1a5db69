//! Faulty configurations fail at the start with a remedy, before the coordinator listens.

use super::serve;
use crate::config::Config;
use podlift_common::clock::{Clock as _, SystemClock};
use podlift_common::{config, durable, tls};
use std::path::Path;
use tokio_util::sync::CancellationToken;

/// Valid files of a head node.
struct Head {
    dir: tempfile::TempDir,
}

impl Head {
    fn new() -> Self {
        tls::install_provider();
        let head = Self { dir: tempfile::tempdir().unwrap() };
        head.certificate("runaicluster", "coordinator/head-01");
        let kubeconfig = "apiVersion: v1\nkind: Config\ncurrent-context: c\n\
            clusters: [{name: c, cluster: {server: \"https://127.0.0.1:1\"}}]\n\
            users: [{name: u, user: {token: x}}]\ncontexts: [{name: c, context: {cluster: c, user: u}}]\n";
        head.put("kubeconfig", kubeconfig);
        head
    }

    fn put(&self, name: &str, text: &str) {
        durable::write(&self.dir.path().join(name), text.as_bytes(), 0o600).unwrap();
    }

    /// Issues a certificate for this identity by the CA of the test.
    fn certificate(&self, cluster: &str, who: &str) {
        let now = SystemClock.now();
        let ca = tls::ca::init(&cluster.parse().unwrap(), now).unwrap();
        let identity = format!("spiffe://podlift/{cluster}/{who}").parse().unwrap();
        let leaf = tls::ca::issue(&ca, &identity, &[], 2, now).unwrap();
        self.put("ca.crt", &ca.certificate);
        self.put("coordinator.crt", &leaf.certificate);
        self.put("coordinator.key", &leaf.key);
    }

    fn remove(&self, name: &str) {
        durable::remove(&self.dir.path().join(name)).unwrap();
    }

    /// The error of a start; `listen` is an address.
    async fn says(&self, listen: &str) -> String {
        let text = format!(
            "cluster = \"runaicluster\"\nname = \"head-01\"\nlisten = \"{listen}\"\njournal = \"DIR/journal.db\"\n\
             [tls]\nca = \"DIR/ca.crt\"\ncertificate = \"DIR/coordinator.crt\"\nkey = \"DIR/coordinator.key\"\n\
             [kubernetes]\nkubeconfig = \"DIR/kubeconfig\"\nca = \"DIR/ca.crt\"\nvip = \"127.0.0.1:1\"\n[metrics]\nlisten = \"off\"\n"
        );
        let text = text.replace("DIR", &self.dir.path().display().to_string());
        let config: Config = config::parse(&text, Path::new("coordinator.toml")).unwrap();
        let stop = CancellationToken::new();
        stop.cancel();
        match serve(config, stop).await {
            Ok(()) => "started".into(),
            Err(error) => format!("{error:#}"),
        }
    }

    async fn refused(&self, want: &[&str]) {
        let said = self.says("127.0.0.1:0").await;
        assert!(want.iter().all(|w| said.contains(w)), "{said}");
    }
}

#[tokio::test]
async fn what_is_right_starts() {
    assert_eq!(Head::new().says("127.0.0.1:0").await, "started");
}

#[tokio::test]
async fn a_certificate_for_somebody_else() {
    let head = Head::new();
    for (cluster, who) in [
        ("runaicluster", "coordinator/head-02"),
        ("other", "coordinator/head-01"),
        ("runaicluster", "node/head-01"),
    ] {
        head.certificate(cluster, who);
        let uri = format!("spiffe://podlift/{cluster}/{who}");
        head.refused(&[&uri, "podlift cert issue coordinator head-01 --cluster runaicluster"]).await;
    }
}

#[tokio::test]
async fn certificate_and_key_that_do_not_fit() {
    let head = Head::new();
    let key = durable::read_to_string(&head.dir.path().join("coordinator.key")).unwrap();
    head.certificate("runaicluster", "coordinator/head-01");
    head.put("coordinator.key", &key);
    head.refused(&["do not fit", "podlift cert issue"]).await;
    head.put("coordinator.key", "nonsense");
    head.refused(&["coordinator.key", "private key"]).await;
    head.remove("coordinator.key");
    head.refused(&["coordinator.key", "podlift cert issue"]).await;
}

#[tokio::test]
async fn an_address_that_is_taken_and_files_that_are_missing() {
    let head = Head::new();
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let said = head.says(&taken.local_addr().unwrap().to_string()).await;
    assert!(said.contains("cannot listen on 127.0.0.1") && said.contains("set listen"), "{said}");
    head.remove("kubeconfig");
    head.refused(&["kubeconfig"]).await;
}

#[tokio::test]
async fn a_journal_that_is_no_journal() {
    let head = Head::new();
    head.put("journal.db", &"not a database ".repeat(500));
    head.refused(&["journal"]).await;
}
