//! CoreDNS and kube-proxy: by the last control-plane node within apply and node, or as a phase of its own.

use super::error::{Ended, Failed};
use super::{api, policy, texts};
use crate::doubles::ctx::Ctx;
use crate::doubles::words::Words;
use crate::objects::Key;
use crate::world::What;
use crate::world::kubeadm_config::ClusterConfig;
use podlift_model::KubeVersion;
use serde_json::json;

/// `upgrade apply phase addon NAME VERSION` (1.32 and later), `upgrade node phase addon NAME`.
pub async fn phase(ctx: &Ctx, words: &Words, apply: bool) -> Ended {
    if apply && super::own_version(ctx).minor < 32 {
        return Err(Failed::new("unknown command \"phase\" for \"kubeadm upgrade apply\""));
    }
    if words.word(3) != "addon" {
        return Err(Failed::new(format!("the lab's kubeadm has no phase {:?} to run alone", words.word(3))));
    }
    let names: &[&str] = match words.word(4) {
        "all" | "" => &["coredns", "kube-proxy"],
        "coredns" => &["coredns"],
        "kube-proxy" => &["kube-proxy"],
        other => {
            return Err(Failed::new(format!(
                "unknown command {other:?} for \"kubeadm upgrade apply phase addon\""
            )));
        }
    };
    let given = words.word(5);
    if apply && given.is_empty() {
        return Err(Failed::new("missing one or more required arguments. Required arguments: [version]"));
    }
    texts::reading(ctx, "upgrade");
    let (_, config) = api::config(ctx).await?;
    let to = policy::parse(if apply { given } else { &config.version })?;
    super::phases::fault(ctx, "addon")?;
    install(ctx, to, &config, names).await
}

/// Within apply and node: only when no API server of the old version is left.
pub async fn run(ctx: &Ctx, to: KubeVersion, config: &ClusterConfig) -> Ended {
    api::reach(ctx).await?;
    let mut old: Vec<String> = api::component_pods(ctx, "kube-apiserver")
        .into_iter()
        .filter(|(_, _, _, image)| !image.ends_with(&format!(":{to}")))
        .map(|(node, ..)| node)
        .collect();
    old.sort();
    if !old.is_empty() {
        // Once for each of the two sub-phases.
        for _ in 0..2 {
            ctx.out(&format!("[upgrade/addon] Skipping upgrade of addons because control plane instances [{}] have not been upgraded", old.join(" ")));
        }
        return Ok(());
    }
    install(ctx, to, config, &["coredns", "kube-proxy"]).await
}

async fn install(ctx: &Ctx, to: KubeVersion, config: &ClusterConfig, names: &[&str]) -> Ended {
    for name in names {
        let off = if *name == "coredns" { config.dns_disabled } else { config.proxy_disabled };
        if off || (*name == "coredns" && super::coredns::retained(ctx)) {
            continue;
        }
        ctx.seconds(1.0).await;
        if *name == "kube-proxy" {
            let image = format!("{}/kube-proxy:{to}", config.repository);
            let key = Key::new("apps", "daemonsets", "kube-system", "kube-proxy");
            ctx.world.update(|s| {
                s.api.change(&key, |v| v["spec"]["template"]["spec"]["containers"][0]["image"] = json!(image))
            });
        }
        ctx.effect(What::Addon { name: name.to_string(), to: to.to_string() }).await;
        let shown = if *name == "coredns" { "CoreDNS" } else { "kube-proxy" };
        ctx.out(&format!("[addons] Applied essential addon: {shown}"));
    }
    Ok(())
}
