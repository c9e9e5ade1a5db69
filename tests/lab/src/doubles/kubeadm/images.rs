//! kubeadm config images.

use super::error::{Ended, Failed};
use crate::doubles::ctx::Ctx;
use crate::doubles::words::Words;
use crate::world::images::PullError;
use crate::world::kubeadm_config::{ClusterConfig, EtcdConfig};
use crate::world::versions;
use podlift_model::KubeVersion;

const REGISTRY: &str = "registry.k8s.io";

fn wanted(ctx: &Ctx, words: &Words) -> Ended<KubeVersion> {
    let own = super::own_version(ctx);
    let Some(text) = words.get("--kubernetes-version") else { return Ok(own) };
    let to: KubeVersion = super::policy::parse(text)?;
    match to.minor > own.minor {
        true => Err(Failed::new(format!(
            "this version of kubeadm only supports deploying clusters with the control plane version >= 1.{}.0. Current version: {to}",
            own.minor
        ))),
        false => Ok(to),
    }
}

pub fn list(ctx: &Ctx, words: &Words) -> Ended {
    let to = wanted(ctx, words)?;
    let repository = words.get("--image-repository").unwrap_or(REGISTRY);
    of(to, repository, true).iter().for_each(|i| ctx.out(i));
    Ok(())
}

pub async fn pull(ctx: &Ctx, words: &Words) -> Ended {
    let to = wanted(ctx, words)?;
    let repository = words.get("--image-repository").unwrap_or(REGISTRY);
    ensure(ctx, &of(to, repository, true), true)
        .await
        .map_err(|(image, why)| Failed::new(format!("failed to pull image \"{image}\": {why}")))
}

/// Images of a version from this repository; etcd's only where kubeadm manages etcd.
fn of(to: KubeVersion, repository: &str, etcd: bool) -> Vec<String> {
    let all = versions::images(to).into_iter().filter(|i| etcd || !i.contains("/etcd:"));
    all.map(|i| i.replacen(REGISTRY, repository, 1)).collect()
}

/// What `upgrade` pulls before it changes anything.
pub async fn for_upgrade(
    ctx: &Ctx,
    to: KubeVersion,
    config: &ClusterConfig,
) -> Result<(), (String, PullError)> {
    let etcd = matches!(config.etcd, EtcdConfig::Local { .. });
    ensure(ctx, &of(to, &config.repository, etcd), false).await
}

/// Only those that the runtime lacks. Err: the first image that can't be pulled, with the runtime's answer.
async fn ensure(ctx: &Ctx, images: &[String], say: bool) -> Result<(), (String, PullError)> {
    for image in images.iter().filter(|i| !ctx.world.has_image(&ctx.node, i)) {
        let pulled = ctx.world.pull_image(&ctx.node, image, ctx.op()).await;
        ctx.pause().await;
        pulled.map_err(|error| (image.clone(), error))?;
        if say {
            ctx.out(&format!("[config/images] Pulled {image}"));
        }
    }
    Ok(())
}
