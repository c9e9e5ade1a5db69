//! What nodes and head node lie on: the base tree, Kubernetes as it was before the upgrade, the product.

use super::FROM;
use crate::layer::{Layer, write};
use crate::product::Product;
use crate::scratch::Scratch;
use crate::{repo, up};
use std::path::{Path, PathBuf};

/// What nodes and what the head node lie on.
pub(super) async fn layers(
    scratch: &Scratch,
    base: &Path,
    repositories: &repo::Repositories,
    product: Option<&Product>,
) -> anyhow::Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let node = Layer::mount(scratch.at("layers/node"), vec![base.into()]).await?;
    up::sources(&node.root(), repositories, FROM.parse::<podlift_model::KubeVersion>()?.minor)?;
    let version = format!("{}-1.1", FROM.trim_start_matches('v'));
    let wanted: Vec<String> = ["kubeadm", "kubelet", "kubectl"].map(|p| format!("{p}={version}")).into();
    let script = format!(
        "apt-get update -q && apt-get install -y -q {} && apt-mark hold kubeadm kubelet kubectl && systemctl enable kubelet",
        wanted.join(" ")
    );
    node.chroot(&["sh", "-ec", &script]).await?;
    let head = Layer::mount(scratch.at("layers/head"), vec![base.into()]).await?;
    if let Some(product) = product {
        installed(&node, &product.agent, "podlift-agent").await?;
        installed(&head, &product.coordinator, "podlift-coordinator").await?;
    }
    Ok((node.finished().await?, head.finished().await?))
}

async fn installed(layer: &Layer, deb: &Path, unit: &str) -> anyhow::Result<()> {
    write(&layer.root().join("tmp/podlift.deb"), std::fs::read(deb)?, 0o644)?;
    let script = format!("dpkg -i /tmp/podlift.deb && systemctl enable {unit} && rm /tmp/podlift.deb");
    layer.chroot(&["sh", "-ec", &script]).await.map(drop)
}
