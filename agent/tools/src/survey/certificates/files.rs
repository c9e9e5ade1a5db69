//! Finds the files of certificates that are in use.

use super::super::Site;
use super::super::dated::newest;
use podlift_heal::manifest::Manifest;
use podlift_host::FileKind;
use podlift_host::paths;
use podlift_model::command::is_path;
use podlift_model::op::Component;
use std::collections::BTreeSet;
use std::path::Path;

const KUBERNETES: &str = "/etc/kubernetes";
const KUBELET_PKI: &str = "/var/lib/kubelet/pki";
/// Files that kubeadm keeps below its folder of certificates.
const KUBEADMS: &[&str] = &[
    "ca.crt",
    "apiserver.crt",
    "apiserver-kubelet-client.crt",
    "apiserver-etcd-client.crt",
    "front-proxy-ca.crt",
    "front-proxy-client.crt",
    "etcd/ca.crt",
    "etcd/server.crt",
    "etcd/peer.crt",
    "etcd/healthcheck-client.crt",
];

/// Paths on the node; and for each folder that could not be read, the reason.
pub fn all(site: &Site<'_>) -> (BTreeSet<String>, Vec<(String, String)>) {
    let (mut out, mut strange) = (BTreeSet::new(), Vec::new());
    let manifests: Vec<Manifest> = Component::ALL.iter().filter_map(|c| manifest(site, *c)).collect();
    out.extend(manifests.iter().flat_map(named));
    let ca = manifests.iter().find_map(|m| m.on_node(&m.flags().joined("client-ca-file")?));
    let dir = ca.as_deref().and_then(|ca| ca.rsplit_once('/')).map_or("/etc/kubernetes/pki", |(dir, _)| dir);
    out.extend(KUBEADMS.iter().map(|name| format!("{dir}/{name}")));
    match kubeconfigs(site) {
        Ok(found) => out.extend(found),
        Err(why) => strange.push((KUBERNETES.to_string(), why)),
    }
    match kubelets(site) {
        Ok(found) => out.extend(found),
        Err(why) => strange.push((KUBELET_PKI.to_string(), why)),
    }
    (out, strange)
}

fn manifest(site: &Site<'_>, component: Component) -> Option<Manifest> {
    let bytes = site.files().read(&paths::manifest(component)).ok()?;
    Manifest::parse(component, &bytes).ok()
}

/// Certificates in a manifest's flags.
fn named(manifest: &Manifest) -> Vec<String> {
    let flags = manifest.flags();
    let paths = flags.0.iter().filter(|(name, _)| is_path(name) || *name == "tls-sni-cert-key");
    // A pair in `--tls-sni-cert-key` begins with its certificate.
    let values = paths.flat_map(|(_, values)| values).map(|v| v.split(',').next().unwrap_or(v));
    values.filter(|path| is_certificate(path)).filter_map(|path| manifest.on_node(path)).collect()
}

fn is_certificate(path: &str) -> bool {
    [".crt", ".pem", ".cert"].iter().any(|ending| path.ends_with(ending)) && !path.ends_with("-key.pem")
}

fn kubeconfigs(site: &Site<'_>) -> Result<Vec<String>, String> {
    let names = site.names(KUBERNETES)?.into_iter().filter(|n| n.ends_with(".conf"));
    let paths = names.map(|n| format!("{KUBERNETES}/{n}"));
    Ok(paths.filter(|p| regular(site, p)).collect())
}

/// The newest of each kind. The kubelet names them by their day; `-current.pem` is a link to the newest. The kubelet's `kubelet.crt` is
/// left out: it is self-signed, and no client checks it.
fn kubelets(site: &Site<'_>) -> Result<Vec<String>, String> {
    let names = site.names(KUBELET_PKI)?;
    let found = ["kubelet-client-", "kubelet-server-"].into_iter().filter_map(|start| {
        let current = format!("{start}current.pem");
        let plain = || Some(current.clone()).filter(|n| regular(site, &format!("{KUBELET_PKI}/{n}")));
        newest(&names, start).or_else(plain)
    });
    Ok(found.map(|name| format!("{KUBELET_PKI}/{name}")).collect())
}

fn regular(site: &Site<'_>, path: &str) -> bool {
    site.files().stat(Path::new(path)).is_ok_and(|s| s.kind == FileKind::Regular)
}
