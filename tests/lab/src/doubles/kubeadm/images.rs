//! kubeadm config images.

use super::error::{Ended, Failed};
use crate::doubles::ctx::Ctx;
use crate::doubles::words::Words;
use crate::world::{What, versions};
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
    versions::images(to).iter().for_each(|i| ctx.out(&i.replacen(REGISTRY, repository, 1)));
    Ok(())
}

pub async fn pull(ctx: &Ctx, words: &Words) -> Ended {
    let to = wanted(ctx, words)?;
    ensure(ctx, to, true)
        .await
        .map_err(|image| Failed::new(format!("failed to pull image \"{image}\": not found")))
}

/// Err: the image that no registry has.
pub async fn ensure(ctx: &Ctx, to: KubeVersion, say: bool) -> Result<(), String> {
    let known = ctx.world.shape.newest.iter().any(|(m, p)| to.minor == *m && to.patch <= *p);
    for image in versions::images(to) {
        if ctx.world.lock().node(&ctx.node).images.contains(&image) {
            continue;
        }
        if !known {
            return Err(image);
        }
        ctx.seconds(4.0).await;
        ctx.world.update(|s| s.node_mut(&ctx.node).images.insert(image.clone()));
        if say {
            ctx.out(&format!("[config/images] Pulled {image}"));
        }
        ctx.effect(What::ImagePull { image }).await;
    }
    Ok(())
}
