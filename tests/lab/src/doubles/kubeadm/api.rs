//! kubeadm's client: through the proxy, retrying for a minute.

use super::error::{Ended, Failed};
use crate::doubles::ctx::Ctx;
use crate::objects::Key;
use crate::world::kubeadm_config::{self, ClusterConfig};
use serde_json::Value;

pub const RETRIES: u32 = 120;

/// Waits until an API server answers, a minute at most.
pub async fn reach(ctx: &Ctx) -> Ended {
    for _ in 0..RETRIES {
        if !ctx.world.lock().fronts().is_empty() {
            return Ok(());
        }
        ctx.seconds(0.5).await;
    }
    let proxy = &ctx.world.shape.proxy;
    Err(Failed::new(format!("Get \"https://{proxy}/api/v1\": dial tcp {proxy}: connect: connection refused")))
}

/// The text of ClusterConfiguration and what kubeadm reads in it.
pub async fn config(ctx: &Ctx) -> Ended<(String, ClusterConfig)> {
    reach(ctx).await.map_err(|f| Failed::new(format!("failed to get config map: {}", f.text)))?;
    let text = {
        let s = ctx.world.lock();
        let map = s.api.get(&Key::config_map("kubeadm-config"));
        map.and_then(|m| m["data"]["ClusterConfiguration"].as_str()).map(ToString::to_string)
    };
    let text =
        text.ok_or_else(|| Failed::new("failed to get config map: configmaps \"kubeadm-config\" not found"))?;
    let config = kubeadm_config::parse(&text)
        .map_err(|e| Failed::new(format!("could not decode kubeadm-config: {e}")))?;
    Ok((text, config))
}

/// kube-system pods of one component: (node, hash, phase, image).
pub fn component_pods(ctx: &Ctx, component: &str) -> Vec<(String, String, String, String)> {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_string();
    let s = ctx.world.lock();
    let pods = s
        .api
        .pods()
        .filter(|(k, v)| k.namespace == "kube-system" && v["metadata"]["labels"]["component"] == component);
    pods.map(|(_, v)| {
        let hash = text(&v["metadata"]["annotations"]["kubernetes.io/config.hash"]);
        (
            text(&v["spec"]["nodeName"]),
            hash,
            text(&v["status"]["phase"]),
            text(&v["spec"]["containers"][0]["image"]),
        )
    })
    .collect()
}

/// kubelet versions by node, in order of name.
pub fn kubelets(ctx: &Ctx) -> Vec<(String, String)> {
    let s = ctx.world.lock();
    let nodes = s.api.of("", "nodes");
    nodes
        .map(|(k, v)| {
            (
                k.name.clone(),
                v["status"]["nodeInfo"]["kubeletVersion"].as_str().unwrap_or_default().to_string(),
            )
        })
        .collect()
}
