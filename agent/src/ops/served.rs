//! After kubeadm exited 0, checks whether this node's own API server serves, and adds the result to kubeadm's. Whether it keeps serving is
//! the question of a separate step, because an API server that was replaced a second ago may still be starting.

use super::Cx;
use crate::look::api_server;
use podlift_heal::manifest::Manifest;
use podlift_host::paths;
use podlift_model::facts::ApiServerState;
use podlift_model::op::Component;
use podlift_model::{Failure, OpOutput};

/// Adds to kubeadm's result that this node's API server does not serve, and why. Adds nothing on a worker.
pub async fn served(cx: &Cx<'_>, done: OpOutput) -> Result<OpOutput, Failure> {
    let OpOutput::Changed(line) = done else { return Ok(done) };
    let Some(manifest) = manifest(cx) else { return Ok(OpOutput::Changed(line)) };
    let no_etcd = manifest.flags().items("etcd-servers").is_empty();
    let more = match api_server::state(cx.node).await {
        Ok(state) if state.serves() => return Ok(OpOutput::Changed(line)),
        Ok(state) => why_not(&state, no_etcd),
        Err(failure) => format!("this node's API server could not be looked at: {}", failure.message),
    };
    Ok(OpOutput::Changed(format!("{line}; {more}")))
}

/// `None` on a worker, and if the file can't be read (the heal reports that).
fn manifest(cx: &Cx<'_>) -> Option<Manifest> {
    let bytes = cx.node.host.files.read(&paths::manifest(Component::KubeApiserver)).ok()?;
    Manifest::parse(Component::KubeApiserver, &bytes).ok()
}

fn why_not(state: &ApiServerState, no_etcd: bool) -> String {
    let last = |text: &str| text.lines().rev().map(str::trim).find(|l| !l.is_empty()).map(String::from);
    let mut why = Vec::new();
    why.extend(no_etcd.then(|| "--etcd-servers is empty in its manifest".to_string()));
    why.extend((state.running.is_none()).then(|| "no container of it runs".to_string()));
    why.extend(
        (state.restarts > 0)
            .then(|| format!("it was restarted {}", podlift_model::count(state.restarts, "time"))),
    );
    why.extend(state.last_exit.map(|code| format!("the last one exited {code}")));
    why.extend(last(&state.log_tail).map(|line| format!("its own log says: {line}")));
    if why.is_empty() {
        why.extend(last(&state.readyz).map(|line| format!("/readyz says: {line}")));
    }
    format!("this node's API server {} is not serving: {}", state.endpoint, why.join(", "))
}
