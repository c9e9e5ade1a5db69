//! Whether the cluster's CA key is kept elsewhere: this control-plane node has `ca.crt` but no `ca.key`, so kubeadm renews nothing.

use super::Site;
use podlift_heal::manifest::Manifest;
use podlift_host::paths;
use podlift_model::op::Component;

const USUAL: &str = "/etc/kubernetes/pki";

/// `None` on a worker, or if no ca.crt was found.
pub fn look(site: &Site<'_>) -> Option<bool> {
    if !site.control_plane {
        return None;
    }
    let named = [
        (Component::KubeApiserver, "client-ca-file"),
        (Component::KubeControllerManager, "cluster-signing-cert-file"),
    ];
    let named = named.into_iter().filter_map(|(component, flag)| folder(site, component, flag));
    let mut folders = named.chain([USUAL.to_string()]);
    let folder = folders.find(|dir| site.there(&format!("{dir}/ca.crt")))?;
    Some(!site.there(&format!("{folder}/ca.key")))
}

/// The folder of the file in a flag, on the node.
fn folder(site: &Site<'_>, component: Component, flag: &str) -> Option<String> {
    let bytes = site.files().read(&paths::manifest(component)).ok()?;
    let manifest = Manifest::parse(component, &bytes).ok()?;
    let file = manifest.on_node(&manifest.flags().joined(flag)?)?;
    file.rsplit_once('/').map(|(dir, _)| dir.to_string())
}
