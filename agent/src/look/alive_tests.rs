//! Credentials, from valid ones to none.

use super::*;
use crate::testing::{Bench, exited};
use async_trait::async_trait;
use podlift_host::Http;
use std::sync::{Arc, Mutex};

/// The clients that it accepts, and the requests that it got.
#[derive(Default)]
struct Server {
    answers: Vec<(&'static str, Result<u16, &'static str>)>,
    asked: Mutex<Vec<String>>,
}

#[async_trait]
impl Http for Server {
    async fn get(&self, endpoint: &str, path: &str, tls: &HttpTls) -> Result<(u16, String), HttpError> {
        let who = tls.client.as_ref().map_or("nobody".to_string(), |c| c.certificate.display().to_string());
        self.asked.lock().unwrap().push(who.clone());
        let answer = self.answers.iter().find(|(name, _)| who.contains(name)).map(|(_, answer)| *answer);
        match answer.unwrap_or(Ok(401)) {
            Ok(status) => Ok((status, format!("said {status}"))),
            Err(why) => Err(HttpError { url: format!("https://{endpoint}{path}"), why: why.into() }),
        }
    }
}

const LIVE: &str =
    include_str!("../../../tests/fixtures/cases/11-anonymous-auth-false/live-kube-apiserver.yaml");
const OWN: &str = "/etc/kubernetes/pki/apiserver-kubelet-client";

async fn asked(
    files: &[&str],
    answers: &[(&'static str, Result<u16, &'static str>)],
) -> (Alive, Vec<String>) {
    let mut bench = Bench::new(|_| exited(1, "")).control_plane();
    bench.files.put(podlift_host::paths::manifest(Component::KubeApiserver), LIVE.as_bytes());
    files.iter().for_each(|path| bench.files.put(path, b"pem"));
    let server = Arc::new(Server { answers: answers.to_vec(), asked: Mutex::default() });
    bench.host.http = server.clone();
    let node = bench.node();
    let tls = HttpTls::any_of(authorities(&api_server(&node).unwrap()));
    let alive = ask(&node, "10.77.0.11:6443", "/readyz?verbose", &tls).await;
    let asked = server.asked.lock().unwrap().clone();
    (alive, asked)
}

#[tokio::test(start_paused = true)]
async fn readyz_is_asked_with_what_the_node_has_and_401_is_alive() {
    let pair = [format!("{OWN}.crt"), format!("{OWN}.key")];
    let pair: Vec<&str> = pair.iter().map(String::as_str).collect();
    let both = [pair.as_slice(), &[KUBELET]].concat();
    let (alive, by) = asked(&pair, &[("apiserver-kubelet-client", Ok(200))]).await;
    assert!(alive.ready && !alive.wants_credentials);
    assert_eq!(by, [pair[0]], "its own pair comes first, and is enough");
    let (alive, by) = asked(&both, &[("kubelet-client-current", Ok(200))]).await;
    assert!(alive.ready);
    assert_eq!(by, [pair[0], KUBELET]);
    let (alive, by) = asked(&[], &[("nobody", Ok(200))]).await;
    assert!(alive.ready && by == ["nobody"], "an API server that answers everybody needs no pair");
    for refusal in [401, 403] {
        let (alive, _) = asked(&[], &[("nobody", Ok(refusal))]).await;
        assert_eq!((alive.ready, alive.wants_credentials, alive.serves()), (false, true, true));
        assert_eq!(alive.said, format!("alive, wants credentials ({refusal})"));
    }
    let (alive, by) = asked(&both, &[]).await;
    assert!(alive.wants_credentials && by.len() == 3, "{by:?}");
    // The key does not match the certificate: the other pairs are still tried.
    let broken = ("apiserver-kubelet-client", Err("client key: does not fit"));
    let (alive, by) = asked(&both, &[broken, ("kubelet-client-current", Ok(200))]).await;
    assert!(alive.ready, "{by:?}");
    let (alive, _) = asked(&both, &[("apiserver-kubelet-client", Ok(500))]).await;
    assert_eq!((alive.serves(), alive.said.as_str()), (false, "said 500"), "not ready is not ready");
}

#[tokio::test(start_paused = true)]
async fn nobody_there_is_asked_twice_at_most_and_another_ca_is_said() {
    let refused: [(&'static str, Result<u16, &'static str>); 2] =
        [("client", Err("connection refused")), ("nobody", Err("certificate of another CA than /x"))];
    let files = [format!("{OWN}.crt"), format!("{OWN}.key")];
    let files: Vec<&str> = files.iter().map(String::as_str).chain([KUBELET]).collect();
    let (alive, by) = asked(&files, &refused).await;
    assert!(!alive.serves() && by.len() == 2, "{by:?}");
    assert!(alive.line().contains("certificate of another CA"), "{alive:?}");
}

#[test]
fn authorities_are_the_named_one_the_neighbour_and_the_clusters() {
    let text = LIVE.replace(
        "client-ca-file=/etc/kubernetes/pki/ca.crt",
        "client-ca-file=/etc/kubernetes/pki/clients.crt",
    );
    let text =
        text.replace("tls-cert-file=/etc/kubernetes/pki/", "tls-cert-file=/etc/kubernetes/pki/serving/");
    let manifest = Manifest::parse(Component::KubeApiserver, text.as_bytes()).unwrap();
    let all: Vec<String> = authorities(&manifest).iter().map(|p| p.display().to_string()).collect();
    assert_eq!(all, ["/etc/kubernetes/pki/clients.crt", "/etc/kubernetes/pki/serving/ca.crt", CLUSTER_CA]);
}
