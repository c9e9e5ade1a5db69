//! This node's own API server, seen from the node: /readyz at its advertise address, the running container, its flags, its restarts, and
//! the end of the log of the container that ended. Never through a proxy.

use super::{address, alive};
use crate::node::Node;
use podlift_heal::Runtime;
use podlift_heal::manifest::{Manifest, version_of};
use podlift_host::HttpTls;
use podlift_host::paths;
use podlift_model::command::{CommandLine, is_expanded};
use podlift_model::facts::ApiServerState;
use podlift_model::op::Component;
use podlift_model::{Failure, FlagSet, codes};
use podlift_tools::crictl::{self, Container, Inspected};

const API: Component = Component::KubeApiserver;

pub async fn state(node: &Node) -> Result<ApiServerState, Failure> {
    let path = paths::manifest(API);
    let bad = |code: &str, why: String| Failure::operator(code, format!("{}: {why}", path.display()));
    let gone = |why: String| bad(codes::MANIFEST_UNREADABLE, why);
    let bytes = node.host.files.read(&path).map_err(|e| gone(e.to_string()))?;
    let manifest = Manifest::parse(API, &bytes).map_err(|e| gone(e.to_string()))?;
    if let Some(opaque) = manifest.opaque() {
        return Err(bad(codes::MANIFEST_OPAQUE, opaque));
    }
    let endpoint = address::api_server(&manifest).map_err(gone)?;
    let tls = HttpTls::any_of(alive::authorities(&manifest));
    let answer = alive::ask(node, &endpoint, "/readyz?verbose", &tls).await;
    let containers = crictl::containers(&node.host, API.name()).await?;
    let running = containers.iter().find(|c| c.running);
    let ended = containers.iter().find(|c| !c.running);
    let (alive, dead) = (inspected(node, running).await?, inspected(node, ended).await?);
    let flags_match = alive.as_ref().is_some_and(|i| same_flags(&manifest, i));
    // The log of a healthy container is of no interest; that of one that died is.
    let talks = if running.is_some() && answer.serves() { running } else { ended.or(running) };
    let log_tail = match talks {
        Some(container) => crictl::log_tail(&node.host, &container.id).await,
        None => String::new(),
    };
    Ok(ApiServerState {
        hash_matches: hash_matches(node).await,
        wants_credentials: answer.wants_credentials,
        endpoint,
        ready: answer.ready,
        readyz: answer.said,
        running: alive.as_ref().and_then(|i| version_of(&i.image)),
        flags_match,
        restarts: containers.first().map_or(0, |c| c.attempt),
        last_exit: dead.and_then(|i| i.exit_code),
        log_tail,
        kubeadm_running: node.kubeadm_running(),
    })
}

/// `None` if the runtime can't answer.
async fn hash_matches(node: &Node) -> Option<bool> {
    let look = node.heal.seen(API).ok()?;
    match crictl::runtime(&node.host, API).await {
        Runtime::Running(pod) => Some(node.heal.runs_exactly(API, &look, &pod).is_ok()),
        Runtime::NotRunning => Some(false),
        Runtime::Unknown(_) => None,
    }
}

async fn inspected(node: &Node, container: Option<&Container>) -> Result<Option<Inspected>, Failure> {
    match container {
        Some(container) => crictl::inspect(&node.host, &container.id).await.map(Some),
        None => Ok(None),
    }
}

/// Compares the flags. Values that the kubelet expands are left out, because only the container has them.
fn same_flags(manifest: &Manifest, running: &Inspected) -> bool {
    let words: Vec<&str> = running.words.iter().map(String::as_str).collect();
    let Ok(line) = CommandLine::read(API.name(), &words) else { return false };
    let (mut runs, mut written) = (FlagSet::from(&line), manifest.flags());
    let filled = |values: &Vec<String>| values.iter().any(|value| is_expanded(value));
    let names: Vec<String> =
        written.0.iter().filter(|(_, v)| filled(v)).map(|(name, _)| name.clone()).collect();
    for name in names {
        if runs.0.remove(&name).is_some() {
            written.0.remove(&name);
        }
    }
    runs == written
}
