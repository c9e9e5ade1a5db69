//! One static pod of kubeadm, seen from the node: its health endpoint, the running container, its flags, its restarts, and the end of the
//! log of the container that ended. Never through a proxy.
//!
//! kube-controller-manager and kube-scheduler sign their own certificate unless they are given one. On the loopback no other host can
//! answer, so any certificate is accepted there; elsewhere one of the cluster's CAs must have signed it.

use super::{address, alive, object};
use crate::node::Node;
use podlift_heal::Runtime;
use podlift_heal::manifest::{Manifest, version_of};
use podlift_host::{HttpTls, paths};
use podlift_model::command::{CommandLine, is_expanded};
use podlift_model::components::ComponentState;
use podlift_model::op::Component;
use podlift_model::{Failure, FlagSet, codes};
use podlift_tools::crictl::{self, Container, Inspected};

/// All three.
pub async fn all(node: &Node) -> Result<Vec<ComponentState>, Failure> {
    let [server, manager, scheduler] =
        [Component::KubeApiserver, Component::KubeControllerManager, Component::KubeScheduler];
    let (server, manager, scheduler) =
        tokio::try_join!(state(node, server), state(node, manager), state(node, scheduler))?;
    Ok(vec![server, manager, scheduler])
}

pub async fn state(node: &Node, component: Component) -> Result<ComponentState, Failure> {
    let manifest = manifest(node, component)?;
    let endpoint = endpoint(&manifest)?;
    let answer = match &endpoint {
        Some(endpoint) => alive::ask(node, endpoint, path(component), &tls(endpoint, &manifest)).await,
        None => alive::Alive::unasked("--secure-port=0: it serves no health endpoint"),
    };
    let read = match &endpoint {
        Some(endpoint) if component == Component::KubeApiserver && answer.ready => {
            object::read(node, endpoint, &tls(endpoint, &manifest)).await
        }
        _ => None,
    };
    let serves = answer.serves() && read.as_ref().is_none_or(|read| read.succeeded);
    let containers = crictl::containers(&node.host, component.name()).await?;
    let running = containers.iter().find(|c| c.running);
    let ended = containers.iter().find(|c| !c.running);
    let (alive, dead) = (inspected(node, running).await?, inspected(node, ended).await?);
    let flags_match = alive.as_ref().is_some_and(|i| same_flags(&manifest, i));
    // The log of a healthy container is of no interest; that of one that died is.
    let talks = if running.is_some() && serves { running } else { ended.or(running) };
    let log_tail = match talks {
        Some(container) => crictl::log_tail(&node.host, &container.id).await,
        None => String::new(),
    };
    Ok(ComponentState {
        component,
        endpoint: endpoint.unwrap_or_default(),
        ready: answer.ready,
        wants_credentials: answer.wants_credentials,
        answer: answer.said,
        object_read: read.as_ref().map(|read| read.succeeded),
        object_answer: read.map(|read| read.said).unwrap_or_default(),
        running: alive.as_ref().and_then(|i| version_of(&i.image)),
        flags_match,
        hash_matches: hash_matches(node, component).await,
        container: containers.first().map(|c| c.id.clone()),
        restarts: containers.first().map_or(0, |c| c.attempt),
        last_exit: dead.as_ref().and_then(|i| i.exit_code),
        last_exit_at: dead.and_then(|i| i.finished_at),
        log_tail,
        kubeadm_running: node.kubeadm_running(),
    })
}

/// A manifest whose flags are known.
fn manifest(node: &Node, component: Component) -> Result<Manifest, Failure> {
    let path = paths::manifest(component);
    let gone = |why: String| bad(component, codes::MANIFEST_UNREADABLE, &why);
    let bytes = node.host.files.read(&path).map_err(|e| gone(e.to_string()))?;
    let manifest = Manifest::parse(component, &bytes).map_err(|e| gone(e.to_string()))?;
    match manifest.opaque() {
        Some(opaque) => Err(bad(component, codes::MANIFEST_OPAQUE, &opaque)),
        None => Ok(manifest),
    }
}

fn bad(component: Component, code: &str, why: &str) -> Failure {
    Failure::operator(code, format!("{}: {why}", paths::manifest(component).display()))
}

/// `None` if the component serves no health endpoint.
fn endpoint(manifest: &Manifest) -> Result<Option<String>, Failure> {
    let component = manifest.component;
    let known = match component {
        Component::KubeApiserver => address::api_server(manifest).map(Some),
        _ if address::serves_none(manifest) => Ok(None),
        _ => address::health(manifest).map(Some),
    };
    known.map_err(|why| bad(component, codes::MANIFEST_UNREADABLE, &why))
}

fn path(component: Component) -> &'static str {
    match component {
        Component::KubeApiserver => "/readyz?verbose",
        Component::KubeControllerManager | Component::KubeScheduler => "/healthz",
    }
}

/// Which certificate the component may show.
pub fn tls(endpoint: &str, manifest: &Manifest) -> HttpTls {
    match manifest.component != Component::KubeApiserver && address::is_loopback(endpoint) {
        true => HttpTls::own_loopback(),
        false => HttpTls::any_of(alive::authorities(manifest)),
    }
}

/// `None` if the runtime can't answer.
async fn hash_matches(node: &Node, component: Component) -> Option<bool> {
    let look = node.heal.seen(component).ok()?;
    match crictl::runtime(&node.host, component).await {
        Runtime::Running(pod) => Some(node.heal.runs_exactly(component, &look, &pod).is_ok()),
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
    let Ok(line) = CommandLine::read(manifest.component.name(), &words) else { return false };
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
