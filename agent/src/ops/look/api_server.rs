//! This node's own API server, looked at from the node: /readyz at its advertise address, the container that runs, its flags, restarts,
//! and the last words of the one that ended. Never through a proxy.

use crate::heal::manifest::{Manifest, version_of};
use crate::host::HttpTls;
use crate::node::Node;
use crate::paths;
use crate::tools::crictl::{self, Container, Inspected};
use podlift_model::facts::ApiServerState;
use podlift_model::op::Component;
use podlift_model::{Failure, FlagSet};

pub async fn state(node: &Node) -> Result<ApiServerState, Failure> {
    let path = paths::manifest(Component::KubeApiserver);
    let gone = |why: String| Failure::operator("manifest-unreadable", format!("{}: {why}", path.display()));
    let bytes = node.host.files.read(&path).map_err(|e| gone(e.to_string()))?;
    let manifest = Manifest::parse(Component::KubeApiserver, &bytes).map_err(|e| gone(e.to_string()))?;
    let endpoint = endpoint_of(&manifest).ok_or_else(|| gone("it names no advertise address".into()))?;
    let (ready, readyz) = readyz(node, &endpoint, &manifest.flags()).await;
    let containers = crictl::containers(&node.host, Component::KubeApiserver.name()).await?;
    let running = containers.iter().find(|c| c.running);
    let ended = containers.iter().find(|c| !c.running);
    let (alive, dead) = (inspected(node, running).await?, inspected(node, ended).await?);
    let flags_match = alive.as_ref().is_some_and(|i| same_flags(&manifest, i));
    // A container that runs well has nothing to say; one that died has.
    let talks = if running.is_some() && ready { running } else { ended.or(running) };
    let log_tail = match talks {
        Some(container) => crictl::log_tail(&node.host, &container.id).await,
        None => String::new(),
    };
    Ok(ApiServerState {
        hash_matches: None,
        wants_credentials: false,
        endpoint,
        ready,
        readyz,
        running: alive.as_ref().and_then(|i| version_of(&i.image)),
        flags_match,
        restarts: containers.first().map_or(0, |c| c.attempt),
        last_exit: dead.and_then(|i| i.exit_code),
        log_tail,
        kubeadm_running: node.kubeadm_running(),
    })
}

async fn inspected(node: &Node, container: Option<&Container>) -> Result<Option<Inspected>, Failure> {
    match container {
        Some(container) => crictl::inspect(&node.host, &container.id).await.map(Some),
        None => Ok(None),
    }
}

fn same_flags(manifest: &Manifest, running: &Inspected) -> bool {
    FlagSet::parse(running.words.iter().map(String::as_str)) == manifest.flags()
}

/// host:port that this API server itself serves.
pub fn endpoint_of(manifest: &Manifest) -> Option<String> {
    let from_flags = || {
        let flags = manifest.flags();
        Some(format!(
            "{}:{}",
            flags.joined("advertise-address")?,
            flags.joined("secure-port").unwrap_or("6443".into())
        ))
    };
    manifest.advertise.clone().or_else(from_flags)
}

async fn readyz(node: &Node, endpoint: &str, flags: &FlagSet) -> (bool, String) {
    let Some(ca) = flags.joined("client-ca-file") else {
        return (false, "the manifest names no --client-ca-file".into());
    };
    match node.host.http.get(endpoint, "/readyz?verbose", &HttpTls::ca(ca)).await {
        Ok((status, body)) => (status == 200, body),
        Err(e) => (false, e.to_string()),
    }
}
