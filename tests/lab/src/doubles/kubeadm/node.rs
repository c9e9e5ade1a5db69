//! kubeadm upgrade node: control plane by the presence of kube-apiserver.yaml, and nothing else; the target is the version in
//! kubeadm-config.

use super::error::{Ended, Failed};
use super::phases::{skipped, skips};
use super::{addons, api, known_flags, kubelet_config, policy, preflight, static_pods, texts};
use crate::doubles::ctx::Ctx;
use crate::doubles::words::Words;
use crate::objects::Key;
use crate::world::What;
use crate::world::manifests::DIR;
use podlift_model::KubeVersion;

const PHASES: &[&str] =
    &["preflight", "control-plane", "kubeconfig", "kubelet-config", "addon", "post-upgrade"];

/// Before 1.32.
const OLD_PHASES: &[&str] = &["preflight", "control-plane", "kubelet-config"];

pub async fn run(ctx: &Ctx, words: &Words) -> Ended {
    let ended = stages(ctx, words).await;
    if let Err(failed) = &ended {
        let why = failed.text.clone();
        ctx.effect(What::KubeadmFailed { why }).await;
    }
    ended
}

async fn stages(ctx: &Ctx, words: &Words) -> Ended {
    let own = super::own_version(ctx);
    known_flags::of_node(words, own)?;
    let skip = skipped(words, if own.minor < 32 { OLD_PHASES } else { PHASES })?;
    texts::reading(ctx, "upgrade");
    ctx.seconds(0.7).await;
    let (_, config) = api::config(ctx).await.map_err(|f| f.in_phase("preflight"))?;
    let to = policy::parse(&config.version)?;
    socket_annotation(ctx)?;
    ctx.out("[upgrade/preflight] Running pre-flight checks");
    let control_plane = ctx.disk().exists(&format!("{DIR}/kube-apiserver.yaml"));
    if control_plane {
        preflight::manifests(ctx).map_err(|f| f.in_phase("preflight"))?;
        preflight::pull(ctx, to, &config).await.map_err(|f| f.in_phase("preflight"))?;
        if !skips(&skip, "control-plane") {
            ctx.out(&format!("[upgrade/control-plane] Upgrading your Static Pod-hosted control plane instance to version \"{to}\"..."));
            static_pods::upgrade(ctx, words, to, &config).await.map_err(|f| f.in_phase("control-plane"))?;
            ctx.out(
                "[upgrade/control-plane] The control plane instance for this node was successfully upgraded!",
            );
        }
        ctx.out("[upgrade/kubeconfig] The kubeconfig files for this node were successfully upgraded!");
    } else {
        ctx.out("[upgrade/preflight] Skipping prepull. Not a control plane node.");
        ctx.out("[upgrade/control-plane] Skipping phase. Not a control plane node.");
        ctx.out("[upgrade/kubeconfig] Skipping phase. Not a control plane node.");
    }
    if !skips(&skip, "kubelet-config") {
        kubelet_config::run(ctx, words).await.map_err(|f| f.in_phase("kubelet-config"))?;
    }
    addon(ctx, &skip, control_plane, to).await?;
    ctx.effect(What::KubeadmNode { to: to.to_string() }).await;
    Ok(())
}

async fn addon(ctx: &Ctx, skip: &[String], control_plane: bool, to: KubeVersion) -> Ended {
    if skips(skip, "addon") {
        return Ok(());
    }
    if control_plane {
        let (_, config) = api::config(ctx).await.map_err(|f| f.in_phase("addon"))?;
        return addons::run(ctx, to, &config).await.map_err(|f| f.in_phase("addon"));
    }
    ctx.out("[upgrade/addon] Skipping the addon/coredns phase. Not a control plane node.");
    ctx.out("[upgrade/addon] Skipping the addon/kube-proxy phase. Not a control plane node.");
    Ok(())
}

/// 1.32.10 and later read it on workers, too.
fn socket_annotation(ctx: &Ctx) -> Ended {
    let own = super::own_version(ctx);
    let strict = own >= KubeVersion::new(1, 32, 10) || ctx.world.lock().node(&ctx.node).is_control_plane();
    let there = {
        let s = ctx.world.lock();
        let node = s.api.get(&Key::node(&ctx.node));
        node.is_some_and(|n| {
            !n["metadata"]["annotations"]["kubeadm.alpha.kubernetes.io/cri-socket"].is_null()
        })
    };
    match there || !strict {
        true => Ok(()),
        false => Err(Failed::new(format!(
            "node {} doesn't have kubeadm.alpha.kubernetes.io/cri-socket annotation",
            ctx.node
        ))
        .in_phase("preflight")),
    }
}

pub async fn phase(ctx: &Ctx, words: &Words) -> Ended {
    match words.word(3) {
        "kubelet-config" => {
            texts::reading(ctx, "upgrade");
            api::config(ctx).await?;
            kubelet_config::run(ctx, words).await
        }
        "addon" if super::own_version(ctx).minor < 32 => {
            Err(Failed::new("unknown command \"addon\" for \"kubeadm upgrade node phase\""))
        }
        "addon" => addons::phase(ctx, words, false).await,
        other => Err(Failed::new(format!("the lab's kubeadm has no phase {other:?} to run alone"))),
    }
}
