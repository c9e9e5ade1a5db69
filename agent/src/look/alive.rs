//! Asks a component for its health with the credentials of this node: its API server's client pair, then the kubelet's, then none. A
//! component that demands other credentials is alive too.

use crate::node::Node;
use podlift_heal::manifest::Manifest;
use podlift_host::{ClientPair, HttpError, HttpTls};
use podlift_model::op::Component;
use std::path::{Path, PathBuf};

/// The kubelet's client certificate and key, in one file.
const KUBELET: &str = "/var/lib/kubelet/pki/kubelet-client-current.pem";
const CLUSTER_CA: &str = "/etc/kubernetes/pki/ca.crt";

/// Result of a health question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alive {
    /// It answered 200.
    pub ready: bool,
    /// It answered 401 or 403 to all credentials of the node, with a valid certificate.
    pub wants_credentials: bool,
    /// The body, or why there is none.
    pub said: String,
}

impl Alive {
    /// Nothing was asked, for this reason.
    pub fn unasked(why: &str) -> Self {
        Self { ready: false, wants_credentials: false, said: why.into() }
    }

    pub fn serves(&self) -> bool {
        self.ready || self.wants_credentials
    }

    /// The line that names the problem.
    pub fn line(&self) -> &str {
        telling(&self.said)
    }
}

/// The failed check of a health answer, or its last line if no check failed.
pub fn telling(said: &str) -> &str {
    let lines = || said.lines().map(str::trim).filter(|line| !line.is_empty());
    lines().find(|line| line.starts_with("[-]")).or_else(|| lines().next_back()).unwrap_or("nothing")
}

type Answer = Result<(u16, String), HttpError>;

/// Asks `path` of this node's component.
pub async fn ask(node: &Node, endpoint: &str, path: &str, tls: &HttpTls) -> Alive {
    let get = async |client: Option<ClientPair>| {
        node.host.http.get(endpoint, path, &tls.clone().with_client(client)).await
    };
    let mut anonymous: Option<Answer> = None;
    for client in clients(node) {
        match get(Some(client)).await {
            Ok((status, body)) if !is_refusal(status) => return answered(status, body),
            Ok(_) => {}
            // The pair can't be used, or nothing listens. A request without credentials shows which.
            Err(_) if anonymous.is_none() => match get(None).await {
                Ok((status, body)) if is_refusal(status) => anonymous = Some(Ok((status, body))),
                other => return concluded(other),
            },
            Err(_) => {}
        }
    }
    match anonymous {
        Some(answer) => concluded(answer),
        None => concluded(get(None).await),
    }
}

fn is_refusal(status: u16) -> bool {
    matches!(status, 401 | 403)
}

fn answered(status: u16, body: String) -> Alive {
    Alive { ready: status == 200, wants_credentials: false, said: body }
}

fn concluded(answer: Answer) -> Alive {
    match answer {
        Ok((status, _)) if is_refusal(status) => Alive {
            ready: false,
            wants_credentials: true,
            said: format!("alive, wants credentials ({status})"),
        },
        Ok((status, body)) => answered(status, body),
        Err(error) => Alive { ready: false, wants_credentials: false, said: error.to_string() },
    }
}

/// The client pairs whose files exist.
pub(super) fn clients(node: &Node) -> Vec<ClientPair> {
    let own = api_server(node).and_then(|manifest| {
        let file = |flag: &str| Some(on_node(&manifest, &manifest.flags().joined(flag)?));
        Some(ClientPair {
            certificate: file("kubelet-client-certificate")?,
            key: file("kubelet-client-key")?,
        })
    });
    let kubelet = ClientPair { certificate: KUBELET.into(), key: KUBELET.into() };
    let there = |path: &Path| node.host.files.stat(path).is_ok();
    let all = own.into_iter().chain([kubelet]);
    all.filter(|pair| there(&pair.certificate) && there(&pair.key)).collect()
}

/// CAs that may have signed the API server's certificate: its client CA, the one beside its certificate, and the cluster's.
pub fn authorities(manifest: &Manifest) -> Vec<PathBuf> {
    let flags = manifest.flags();
    let named = flags.joined("client-ca-file").map(|ca| on_node(manifest, &ca));
    let beside = flags.joined("tls-cert-file").map(|own| on_node(manifest, &own));
    let beside = beside.and_then(|own| Some(own.parent()?.join("ca.crt")));
    let mut all: Vec<PathBuf> = Vec::new();
    for ca in named.into_iter().chain(beside).chain([CLUSTER_CA.into()]) {
        if !all.contains(&ca) {
            all.push(ca);
        }
    }
    all
}

/// The API server's manifest as the heal last read it.
pub fn api_server(node: &Node) -> Option<Manifest> {
    node.heal.seen(Component::KubeApiserver).ok()?.manifest().cloned()
}

/// The node's path of a path in the container.
pub(super) fn on_node(manifest: &Manifest, path: &str) -> PathBuf {
    manifest.on_node(path).unwrap_or_else(|| path.into()).into()
}

#[cfg(test)]
#[path = "alive_tests.rs"]
mod tests;
