//! `kubeadm upgrade diff` as flag changes: the printed hunks are applied to the live manifest, and both versions are parsed like any
//! manifest. A moved line, a second container or a flag in two words is therefore read as the component itself reads it. Changes nothing.

use super::Binary;
use crate::files::file_failure;
use crate::static_pod::StaticPod;
use crate::unified::{self, Section};
use crate::{exited, run};
use podlift_host::Host;
use podlift_model::flags::FlagChange;
use podlift_model::op::Component;
use podlift_model::{Failure, FlagSet, KubeVersion};
use std::path::Path;
use std::time::Duration;

/// Flags that this node's manifests would lose and gain.
pub async fn diff(host: &Host, binary: Binary, to: KubeVersion) -> Result<Vec<FlagChange>, Failure> {
    let call = binary.call(["upgrade", "diff", &to.to_string()]);
    let call = call.timeout(Duration::from_secs(120));
    let output = run(host, &call).await?;
    if !output.success() {
        return Err(exited(&call, &output));
    }
    let mut all = Vec::new();
    for section in unified::sections(&output.stdout) {
        let Some(component) = component_of(&section.path) else { continue };
        let path = Path::new(&section.path);
        let bytes = host.files.read(path).map_err(|e| file_failure(path, &e))?;
        all.extend(changes(component, &section, &bytes).map_err(|why| unread(&section.path, &why))?);
    }
    Ok(all)
}

/// Program of the manifest's container, from a path such as `…/kube-apiserver.yaml` or `…/etcd.yaml`.
fn component_of(path: &str) -> Option<&str> {
    let name = path.rsplit('/').next()?.strip_suffix(".yaml")?;
    (name == "etcd" || Component::ALL.iter().any(|c| c.name() == name)).then_some(name)
}

fn changes(component: &str, section: &Section, live: &[u8]) -> Result<Vec<FlagChange>, String> {
    let live = std::str::from_utf8(live).map_err(|_| "the manifest on the disk is not UTF-8")?;
    let before = flags(component, live).map_err(|why| format!("the manifest on the disk: {why}"))?;
    let new = section.apply(live).map_err(|misfit| misfit.to_string())?;
    let after =
        flags(component, &new).map_err(|why| format!("the manifest that kubeadm would write: {why}"))?;
    Ok(before.changes_to(component, &after))
}

fn flags(component: &str, text: &str) -> Result<FlagSet, String> {
    StaticPod::read(text)?.container(component)?.flags().map_err(|opaque| opaque.to_string())
}

fn unread(path: &str, why: &str) -> Failure {
    let message = format!(
        "what kubeadm would change in {path} can't be known: {why}; look at `kubeadm upgrade diff` on the node"
    );
    Failure::operator("diff-unreadable", message)
}

#[cfg(test)]
mod tests;
