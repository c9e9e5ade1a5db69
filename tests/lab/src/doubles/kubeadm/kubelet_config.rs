//! The kubelet-config phase: the node's config.yaml from the ConfigMap, the old one kept.

use super::api;
use super::error::{Ended, Failed};
use crate::doubles::ctx::Ctx;
use crate::doubles::words::Words;
use crate::objects::Key;
use crate::world::What;
use serde_json::Value;
use std::path::Path;

const FILE: &str = "/var/lib/kubelet/config.yaml";

pub async fn run(ctx: &Ctx, words: &Words) -> Ended {
    api::reach(ctx).await?;
    let serial = ctx.world.update(crate::world::State::serial);
    let dir = format!("/etc/kubernetes/tmp/kubeadm-kubelet-config{}", 500_000_000 + serial * 7919);
    let at = ctx.world.clock.now().strftime("%m%d %H:%M:%S.%6f");
    ctx.err(&format!("W{at}    1101 postupgrade.go:117] Using temporary directory {dir} for kubelet config. To override it set the environment variable KUBEADM_UPGRADE_DRYRUN_DIR"));
    ctx.out(&format!("[upgrade] Backing up kubelet config file to {dir}/config.yaml"));
    let failed = |e: std::io::Error| Failed::new(format!("error writing kubelet configuration: {e}"));
    let old = ctx.disk().text(FILE);
    ctx.disk().put_text(&format!("{dir}/config.yaml"), &old, 0o600).map_err(failed)?;
    ctx.out(&format!("[kubelet-start] Writing kubelet configuration to file \"{FILE}\""));
    let text = {
        let s = ctx.world.lock();
        let map = s.api.get(&Key::config_map("kubelet-config"));
        map.and_then(|m| m["data"]["kubelet"].as_str()).unwrap_or_default().to_string()
    };
    let text = patched(ctx, words, text);
    ctx.disk().put(Path::new(FILE), text.as_bytes(), 0o644).map_err(failed)?;
    ctx.effect(What::KubeletConfig).await;
    ctx.seconds(0.5).await;
    ctx.out("[upgrade/kubelet-config] The kubelet configuration for this node was successfully upgraded!");
    Ok(())
}

/// With the kubelet's patch of the `--patches` directory merged into it.
fn patched(ctx: &Ctx, words: &Words, text: String) -> String {
    let patch =
        words.get("--patches").map(|dir| ctx.disk().text(&format!("{dir}/kubeletconfiguration0+merge.yaml")));
    let patch = patch.and_then(|p| serde_saphyr::from_str::<Value>(&p).ok());
    let Some(Value::Object(patch)) = patch else { return text };
    let Ok(Value::Object(mut config)) = serde_saphyr::from_str::<Value>(&text) else { return text };
    config.extend(patch);
    serde_saphyr::to_string(&Value::Object(config)).unwrap_or(text)
}
