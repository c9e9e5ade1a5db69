//! What nodes and head node lie on: the base tree, Kubernetes as it was before the upgrade, the product.

use super::FROM;
use crate::layer::{Layer, write};
use crate::product::Product;
use crate::scratch::Scratch;
use crate::{repo, up};
use std::path::{Path, PathBuf};

/// What nodes and what the head node lie on. `tools` is BCM's package.
pub(super) async fn layers(
    scratch: &Scratch,
    base: &Path,
    repositories: &repo::Repositories,
    product: Option<&Product>,
    tools: Option<&Path>,
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
    if let Some((product, tools)) = product.zip(tools) {
        installed(&head, &product.agent, "podlift-agent").await?;
        unpacked(&head, tools, "true").await?;
        // As deploy/bcm has it.
        let from = head.root().join("usr/share/doc/podlift-agent/head.conf");
        let to = head.root().join("etc/systemd/system/podlift-agent.service.d/head.conf");
        write(&to, std::fs::read(from)?, 0o644)?;
    }
    Ok((node.finished().await?, head.finished().await?))
}

async fn installed(layer: &Layer, deb: &Path, unit: &str) -> anyhow::Result<()> {
    unpacked(layer, deb, &format!("systemctl enable {unit}")).await
}

async fn unpacked(layer: &Layer, deb: &Path, then: &str) -> anyhow::Result<()> {
    write(&layer.root().join("tmp/one.deb"), std::fs::read(deb)?, 0o644)?;
    let script = format!("dpkg -i /tmp/one.deb && {then} && rm /tmp/one.deb");
    layer.chroot(&["sh", "-ec", &script]).await.map(drop)
}
