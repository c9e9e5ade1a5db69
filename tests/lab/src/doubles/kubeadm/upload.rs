//! What apply writes into the cluster: its own copy of kubeadm-config, as read at the start, with the new version. A change made by
//! another writer meanwhile is overwritten.

use crate::doubles::ctx::Ctx;
use crate::objects::Key;
use crate::world::{What, cast, kubeadm_config};
use podlift_model::KubeVersion;
use serde_json::json;

pub async fn kubeadm(ctx: &Ctx, read_at_start: &str, to: KubeVersion) {
    ctx.out("[upload-config] Storing the configuration used in ConfigMap \"kubeadm-config\" in the \"kube-system\" Namespace");
    let text = kubeadm_config::with_version(read_at_start, to);
    write(ctx, "kubeadm-config", "ClusterConfiguration", &text).await;
}

pub async fn kubelet(ctx: &Ctx) {
    ctx.out("[kubelet] Creating a ConfigMap \"kubelet-config\" in namespace kube-system with the configuration for the kubelets in the cluster");
    let text = {
        let s = ctx.world.lock();
        let map = s.api.get(&Key::config_map("kubelet-config"));
        map.and_then(|m| m["data"]["kubelet"].as_str()).unwrap_or_default().to_string()
    };
    write(ctx, "kubelet-config", "kubelet", &text).await;
}

async fn write(ctx: &Ctx, name: &str, key: &str, text: &str) {
    let now = ctx.world.clock.now();
    ctx.world.update(|s| {
        s.api.change(&Key::config_map(name), |v| {
            v["data"][key] = json!(text);
            cast::managed(v, "kubeadm", now);
        })
    });
    ctx.effect(What::ConfigMapWrite { name: name.into(), by: "kubeadm".into() }).await;
    ctx.seconds(0.5).await;
}
