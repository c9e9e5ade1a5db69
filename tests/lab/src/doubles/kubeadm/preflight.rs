//! Health checks before an upgrade: a Job that runs, control-plane nodes that are Ready, the three manifests, images.

use super::error::{Ended, Failed};
use super::{api, images};
use crate::doubles::ctx::Ctx;
use crate::world::What;
use crate::world::kubeadm_config::ClusterConfig;
use crate::world::manifests::DIR;
use podlift_model::KubeVersion;
use podlift_model::op::Component;

pub async fn cluster_health(ctx: &Ctx) -> Ended {
    ctx.out("[upgrade] Running cluster health checks");
    api::reach(ctx).await?;
    ctx.seconds(4.0).await;
    ctx.effect(What::HealthCheckJob).await;
    api::reach(ctx).await?;
    let not_ready: Vec<String> = {
        let s = ctx.world.lock();
        let control = s
            .api
            .of("", "nodes")
            .filter(|(_, v)| !v["metadata"]["labels"]["node-role.kubernetes.io/control-plane"].is_null());
        let ready = |v: &serde_json::Value| {
            let all = v["status"]["conditions"].as_array().cloned().unwrap_or_default();
            all.iter().any(|c| c["type"] == "Ready" && c["status"] == "True")
        };
        control.filter(|(_, v)| !ready(v)).map(|(k, _)| k.name.clone()).collect()
    };
    if !not_ready.is_empty() {
        let text = format!("there are NotReady control-planes in the cluster: [{}]", not_ready.join(" "));
        return Err(Failed::preflight("ControlPlaneNodesReady", &text));
    }
    manifests(ctx)
}

pub fn manifests(ctx: &Ctx) -> Ended {
    let disk = ctx.disk();
    let paths = Component::ALL.iter().map(|c| format!("{DIR}/{}", c.file()));
    let missing: Vec<String> = paths.filter(|p| !disk.exists(p)).collect();
    match missing.is_empty() {
        true => Ok(()),
        false => Err(Failed::preflight(
            "StaticPodManifest",
            &format!("manifest files not found: [{}]", missing.join(" ")),
        )),
    }
}

/// Those that are not there yet; each costs seconds.
pub async fn pull(ctx: &Ctx, to: KubeVersion, config: &ClusterConfig) -> Ended {
    super::texts::pulling(ctx);
    images::for_upgrade(ctx, to, config).await.map_err(|(image, why)| {
        Failed::preflight(
            "ImagePull",
            &format!("failed to pull image {image}: failed to pull image {image}: {why}"),
        )
    })
}
