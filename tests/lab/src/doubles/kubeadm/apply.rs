//! kubeadm upgrade apply VERSION.

use super::error::{Ended, Failed};
use super::phases::{fault, skipped, skips};
use super::{
    addons, api, coredns, known_flags, kubelet_config, policy, preflight, static_pods, texts, upload,
};
use crate::doubles::ctx::Ctx;
use crate::doubles::words::Words;
use crate::world::What;
use podlift_model::KubeVersion;

const PHASES: &[&str] = &[
    "preflight",
    "control-plane",
    "upload-config",
    "kubeconfig",
    "kubelet-config",
    "bootstrap-token",
    "addon",
    "post-upgrade",
];

pub async fn run(ctx: &Ctx, words: &Words, to: &str) -> Ended {
    let ended = stages(ctx, words, to).await;
    if let Err(failed) = &ended {
        let why = failed.text.clone();
        ctx.effect(What::KubeadmFailed { why }).await;
    }
    ended
}

async fn stages(ctx: &Ctx, words: &Words, to: &str) -> Ended {
    let own = super::own_version(ctx);
    known_flags::of_apply(words, own)?;
    let skip = skipped(words, PHASES)?;
    if to.is_empty() {
        return Err(Failed::new("missing one or more required arguments. Required arguments: [version]"));
    }
    texts::reading(ctx, "upgrade");
    ctx.seconds(0.7).await;
    let (text, config) = api::config(ctx).await.map_err(|f| f.in_phase("preflight"))?;
    let to = policy::parse(to)?;
    ctx.out("[upgrade/preflight] Running preflight checks");
    coredns::check(ctx, words).map_err(|f| f.in_phase("preflight"))?;
    preflight::cluster_health(ctx).await.map_err(|f| f.in_phase("preflight"))?;
    ctx.out(&format!("[upgrade/preflight] You have chosen to upgrade the cluster version to \"{to}\""));
    let from = policy::parse(&config.version)?;
    ctx.out(&format!("[upgrade/versions] Cluster version: {from}"));
    ctx.out(&format!("[upgrade/versions] kubeadm version: {own}"));
    policy::check(ctx, words, from, to).map_err(|f| f.in_phase("preflight"))?;
    if !words.has(&["--yes", "-y", "--force", "-f"]) {
        ctx.print("[upgrade] Are you sure you want to proceed? [y/N]: ", false);
        return Err(Failed::new("won't proceed; the user didn't answer (Y|y) in order to continue")
            .in_phase("preflight"));
    }
    preflight::pull(ctx, to, &config).await.map_err(|f| f.in_phase("preflight"))?;
    if !skips(&skip, "control-plane") {
        ctx.out(&format!("[upgrade/control-plane] Upgrading your static Pod-hosted control plane to version \"{to}\" (timeout: 5m0s)..."));
        static_pods::upgrade(ctx, words, to, &config).await.map_err(|f| f.in_phase("control-plane"))?;
        ctx.out(
            "[upgrade/control-plane] The control plane instance for this node was successfully upgraded!",
        );
    }
    after(ctx, words, &skip, &text, to).await?;
    ctx.effect(What::KubeadmApply { to: to.to_string() }).await;
    success(ctx, own, to);
    Ok(())
}

async fn after(ctx: &Ctx, words: &Words, skip: &[String], text: &str, to: KubeVersion) -> Ended {
    api::reach(ctx).await.map_err(|f| f.in_phase("upload-config/kubeadm"))?;
    if !skips(skip, "upload-config") {
        fault(ctx, "upload-config")?;
        upload::kubeadm(ctx, text, to).await;
        upload::kubelet(ctx).await;
    }
    // Word for word, misspelling included.
    ctx.out("[upgrad/kubeconfig] The kubeconfig files for this node were successfully upgraded!");
    if !skips(skip, "kubelet-config") {
        kubelet_config::run(ctx, words).await.map_err(|f| f.in_phase("kubelet-config"))?;
    }
    texts::bootstrap_token(ctx);
    ctx.seconds(1.0).await;
    if !skips(skip, "addon") {
        let (_, config) = api::config(ctx).await.map_err(|f| f.in_phase("addon"))?;
        addons::run(ctx, to, &config).await.map_err(|f| f.in_phase("addon"))?;
    }
    Ok(())
}

fn success(ctx: &Ctx, own: KubeVersion, to: KubeVersion) {
    if own.minor < 32 {
        ctx.out(&format!("\n[upgrade/successful] SUCCESS! Your cluster was upgraded to \"{to}\". Enjoy!"));
        ctx.out("\n[upgrade/kubelet] Now that your control plane is upgraded, please proceed with upgrading your kubelets if you haven't already done so.");
        return;
    }
    ctx.out(&format!("\n[upgrade] SUCCESS! A control plane node of your cluster was upgraded to \"{to}\"."));
    ctx.out(
        "\n[upgrade] Now please proceed with upgrading the rest of the nodes by following the right order.",
    );
}
