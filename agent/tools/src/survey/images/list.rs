//! Names of the target's images. A control-plane node takes the list of the target's own kubeadm with the registry of the live manifest: an
//! older kubeadm refuses a newer minor, and the versions of pause, CoreDNS and etcd are constants of each kubeadm. The list is kept in the
//! private root, so that it is known before kubeadm is installed and without a repository.

use super::super::{Site, whole};
use super::overrides::Overrides;
use crate::files::file_failure;
use crate::kubeadm::{self, Binary};
use crate::{crictl, dpkg, kubectl};
use podlift_heal::manifest::Manifest;
use podlift_host::paths;
use podlift_model::op::{Component, Package};
use podlift_model::{Failure, KubeVersion, codes};
use std::path::{Path, PathBuf};

/// The list of this kubeadm with the names that the cluster sets apart, which is kept for later looks. If the cluster can't be asked, a list
/// that was kept before counts.
pub async fn by(site: &Site<'_>, kubeadm: Binary, to: KubeVersion) -> Result<Vec<String>, Failure> {
    let registry = registry(site);
    let all = kubeadm::images(&site.host, kubeadm, to, registry.as_deref()).await?;
    let overrides = match (overrides(site).await, kept(site, to)) {
        (Ok(overrides), _) => overrides,
        (Err(_), Some(kept)) => return Ok(of_node(site, kept)),
        (Err(why), None) => {
            tracing::info!(why, "images are named without what kubeadm-config says of CoreDNS and etcd");
            Overrides::default()
        }
    };
    let all: Vec<String> = all.into_iter().map(|image| overrides.of(image)).collect();
    let path = paths::image_list(to);
    let text = format!("{}\n{}\n", registry.unwrap_or_default(), all.join("\n"));
    site.files().write(&path, text.as_bytes(), 0o600).map_err(|e| file_failure(&path, &e))?;
    Ok(of_node(site, all))
}

/// The list by what is on the node: the installed kubeadm if it is the target's, the list that was kept, or a kubeadm package of the target
/// that was downloaded.
pub async fn local(site: &Site<'_>, to: KubeVersion) -> Result<Vec<String>, Failure> {
    let installed = kubeadm::version(&site.host, Binary::Installed).await.ok();
    if installed.is_some_and(|version| version == to.to_string()) {
        return by(site, Binary::Installed, to).await;
    }
    if let Some(all) = kept(site, to) {
        return Ok(of_node(site, all));
    }
    let package = downloaded(site, to).ok_or_else(|| unknown(to))?;
    let _alone = site.node.apt_root.lock().await;
    clear(site)?;
    dpkg::unpack(&site.host, &package, paths::UNPACKED).await?;
    let list = by(site, Binary::Unpacked, to).await;
    clear(site)?;
    list
}

async fn overrides(site: &Site<'_>) -> Result<Overrides, String> {
    Overrides::read(&kubectl::cluster_configuration(&site.host).await.map_err(whole)?)
}

fn unknown(to: KubeVersion) -> Failure {
    let message = format!(
        "the images of {to} are not known on this node: kubeadm {to} is neither installed nor downloaded here, and no survey listed them; plan again, or retry the download of the packages"
    );
    Failure::operator(codes::IMAGE_LIST_UNKNOWN, message)
}

/// A list that was kept for the registry of the live manifest.
fn kept(site: &Site<'_>, to: KubeVersion) -> Option<Vec<String>> {
    let text = site.text(&paths::image_list(to)).ok()??;
    let (registry_then, all) = text.split_once('\n')?;
    let all: Vec<String> = all.lines().filter(|l| !l.is_empty()).map(String::from).collect();
    (registry_then == registry(site).unwrap_or_default() && !all.is_empty()).then_some(all)
}

/// The target's kubeadm package in apt's cache or in the private root.
fn downloaded(site: &Site<'_>, to: KubeVersion) -> Option<PathBuf> {
    let start = format!("{}_{}.{}.{}-", Package::Kubeadm, to.major, to.minor, to.patch);
    let fits = |name: &String| name.starts_with(&start) && name.ends_with(".deb");
    [paths::APT_ARCHIVES, paths::APT_PROBE_DEBS].into_iter().find_map(|dir| {
        let newest = site.names(dir).ok()?.into_iter().rfind(fits)?;
        Some(Path::new(dir).join(newest))
    })
}

fn clear(site: &Site<'_>) -> Result<(), Failure> {
    let dir = Path::new(paths::UNPACKED);
    site.files().remove_tree(dir).map_err(|e| file_failure(dir, &e))
}

/// Without etcd's image where etcd is not a static pod of this node.
fn of_node(site: &Site<'_>, all: Vec<String>) -> Vec<String> {
    let local_etcd = site.there(&format!("{}/etcd.yaml", paths::MANIFESTS));
    all.into_iter().filter(|image| local_etcd || !image.contains("/etcd:")).collect()
}

/// The registry; `None` for kubeadm's own.
fn registry(site: &Site<'_>) -> Option<String> {
    let component = Component::KubeApiserver;
    let bytes = site.files().read(Path::new(&paths::manifest(component))).ok()?;
    Manifest::parse(component, &bytes).ok()?.registry().map(String::from)
}

const PROXY: &str = "kube-proxy";

/// kube-proxy of the target, from the registry of the kube-proxy that runs here. `None` on a cluster without kube-proxy.
pub async fn of_worker(site: &Site<'_>, to: KubeVersion) -> Result<Option<String>, Failure> {
    let all = crictl::containers(&site.host, PROXY).await?;
    let Some(running) = all.iter().find(|c| c.running) else { return Ok(None) };
    let image = crictl::inspect(&site.host, &running.id).await?.image;
    let name = image.split('@').next().unwrap_or(&image);
    let name = name.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')).map_or(name, |(name, _)| name);
    Ok(name.ends_with(&format!("/{PROXY}")).then(|| format!("{name}:{to}")))
}
