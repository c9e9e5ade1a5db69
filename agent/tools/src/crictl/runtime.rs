//! The pod of a component in the container runtime: the newest ready sandbox of its static pod, and the container that runs in it.

use super::containers::{self, Container};
use super::inspect::inspect;
use super::pods::{self, Sandbox};
use crate::whole;
use podlift_heal::{RunningPod, Runtime};
use podlift_host::Host;
use podlift_model::Failure;
use podlift_model::op::Component;

/// The running pod of a component, with the kubelet's hash of the manifest from which it was made.
pub async fn runtime(host: &Host, component: Component) -> Runtime {
    match ask(host, component).await {
        Ok(Some(pod)) => Runtime::Running(pod),
        Ok(None) => Runtime::NotRunning,
        Err(failure) => Runtime::Unknown(whole(failure)),
    }
}

async fn ask(host: &Host, component: Component) -> Result<Option<RunningPod>, Failure> {
    let sandboxes = pods::ready(host).await?;
    let containers = containers::containers(host, component.name()).await?;
    let Some(sandbox) = sandboxes.iter().find(|s| is_of(s, &containers, component)) else { return Ok(None) };
    let running = containers.iter().find(|c| c.running && c.pod == sandbox.id);
    let container = running.ok_or_else(|| without_container(component))?;
    let seen = inspect(host, &container.id).await?;
    Ok(Some(RunningPod {
        config_hash: sandbox.config_hash.clone(),
        created: sandbox.created,
        image: seen.image,
        words: seen.words,
    }))
}

/// The kubelet has read a manifest and made its pod, but the image is still pulled or the container crashes. That is not "does not run".
fn without_container(component: Component) -> Failure {
    let message = format!("the pod of {component} is there, and no container of it runs");
    Failure::transient("pod-without-container", message)
}

/// A static pod's name is NAME-NODE. Only the label distinguishes `kube-apiserver-proxy` from it; without a label the container's name
/// does.
fn is_of(sandbox: &Sandbox, containers: &[Container], component: Component) -> bool {
    let named = sandbox.name.strip_prefix(component.name()).is_some_and(|rest| rest.starts_with('-'));
    let labelled = match &sandbox.component {
        Some(label) => label == component.name(),
        None => containers.iter().any(|c| c.pod == sandbox.id),
    };
    sandbox.from_file && sandbox.namespace == "kube-system" && named && labelled
}

#[cfg(test)]
mod tests;
