//! The static pod step (`phases/upgrade/staticpods.go`): render all, then each component in order: skip if equal, move the old one out
//! and the new one in, wait. A failed wait puts every old one back, without waiting for health.

use super::error::{Ended, Failed};
use super::{certs, rename, wait};
use crate::doubles::ctx::Ctx;
use crate::doubles::words::Words;
use crate::kubelet;
use crate::world::What;
use crate::world::kubeadm_config::{ClusterConfig, EtcdConfig};
use crate::world::manifests::{DIR, render};
use podlift_model::KubeVersion;
use podlift_model::op::Component;
use std::collections::BTreeMap;
use std::path::Path;

struct Dirs {
    new: String,
    backup: String,
}

pub async fn upgrade(ctx: &Ctx, words: &Words, to: KubeVersion, config: &ClusterConfig) -> Ended {
    let hashes: BTreeMap<Component, Option<String>> =
        Component::ALL.iter().map(|c| (*c, wait::hash(ctx, c.name()))).collect();
    local_etcd(ctx, config).await?;
    let dirs = write_new(ctx, to, config)?;
    let renews = words.get("--certificate-renewal") != Some("false");
    let mut moved = vec![];
    for component in Component::ALL {
        let before = hashes[component].as_deref();
        if let Err(why) = one(ctx, *component, &dirs, before, renews, &mut moved).await {
            return Err(roll_back(ctx, &dirs, &moved, &why).await);
        }
    }
    ctx.disk().remove(Path::new(&dirs.new)).ok();
    Ok(())
}

/// etcd as static pods is not of this cluster: kubeadm looks for its pods for a minute.
async fn local_etcd(ctx: &Ctx, config: &ClusterConfig) -> Ended {
    if matches!(config.etcd, EtcdConfig::External { .. }) {
        return Ok(());
    }
    ctx.seconds(60.0).await;
    Err(Failed::new(
        "failed to create etcd client: could not retrieve the list of etcd endpoints: timed out waiting for the condition",
    ))
}

fn write_new(ctx: &Ctx, to: KubeVersion, config: &ClusterConfig) -> Ended<Dirs> {
    let (serial, ip) = ctx.world.update(|s| (s.serial(), s.node(&ctx.node).ip.clone()));
    let at = ctx.world.clock.now().strftime("%Y-%m-%d-%H-%M-%S").to_string();
    let dirs = Dirs {
        new: format!("/etc/kubernetes/tmp/kubeadm-upgraded-manifests{}", 1_000_000_000 + serial * 7919),
        backup: format!("/etc/kubernetes/tmp/kubeadm-backup-manifests-{at}"),
    };
    ctx.out(&format!("[upgrade/staticpods] Writing new Static Pod manifests to \"{}\"", dirs.new));
    let failed =
        |e: std::io::Error| Failed::new(format!("error creating init static pod manifest files: {e}"));
    for component in Component::ALL {
        let text = render(*component, to, config, &ip);
        ctx.disk().put_text(&format!("{}/{}", dirs.new, component.file()), &text, 0o600).map_err(failed)?;
    }
    ctx.disk().make_dir(Path::new(&dirs.backup)).map_err(failed)?;
    Ok(dirs)
}

async fn one(
    ctx: &Ctx,
    component: Component,
    dirs: &Dirs,
    before: Option<&str>,
    renews: bool,
    moved: &mut Vec<Component>,
) -> Result<(), String> {
    let (live, new, backup) = (
        format!("{DIR}/{}", component.file()),
        format!("{}/{}", dirs.new, component.file()),
        format!("{}/{}", dirs.backup, component.file()),
    );
    ctx.out(&format!("[upgrade/staticpods] Preparing for \"{component}\" upgrade"));
    if equal(ctx, &live, &new) {
        ctx.out(&format!(
            "[upgrade/staticpods] Current and new manifests of {component} are equal, skipping upgrade"
        ));
        return Ok(());
    }
    if renews {
        certs::renew(ctx, component);
    }
    let wrote = meaning(ctx, &new);
    ctx.seconds(0.5).await;
    rename::moved_out(ctx, &live, &backup).await.map_err(|e| e.to_string())?;
    moved.push(component);
    ctx.out(&format!(
        "[upgrade/staticpods] Moving new manifest to \"{live}\" and backing up old manifest to \"{backup}\""
    ));
    rename::counted(ctx, &new, &live).await.map_err(|e| e.to_string())?;
    ctx.out("[upgrade/staticpods] Waiting for the kubelet to restart the component");
    ctx.out("[upgrade/staticpods] This can take up to 5m0s");
    if !wait::hash_change(ctx, component.name(), before).await {
        return Err(format!(
            "static Pod hash for component {component} on Node {} did not change after 5m0s: context deadline exceeded",
            ctx.node
        ));
    }
    if !wait::running(ctx, component.name()).await {
        return Err("timed out waiting for the condition".into());
    }
    let own = meaning(ctx, &live) == wrote;
    ctx.effect(What::KubeadmWaited { component: component.to_string(), own }).await;
    ctx.out(&format!("[upgrade/staticpods] Component \"{component}\" upgraded successfully!"));
    Ok(())
}

/// Formatting does not count.
fn meaning(ctx: &Ctx, path: &str) -> Option<String> {
    kubelet::parse(ctx.disk().text(path).as_bytes(), "x", "x").ok().map(|m| m.hash)
}

fn equal(ctx: &Ctx, a: &str, b: &str) -> bool {
    let pod = meaning(ctx, a);
    pod.is_some() && pod == meaning(ctx, b)
}

async fn roll_back(ctx: &Ctx, dirs: &Dirs, moved: &[Component], why: &str) -> Failed {
    let mut errors = vec![why.to_string()];
    for component in moved {
        let (backup, live) =
            (format!("{}/{}", dirs.backup, component.file()), format!("{DIR}/{}", component.file()));
        if let Err(e) = rename::counted(ctx, &backup, &live).await {
            errors.push(e.to_string());
        }
    }
    Failed::new(format!(
        "couldn't complete the static pod upgrade: couldn't upgrade control plane. kubeadm has tried to recover everything into the earlier state. Errors faced: {}",
        errors.join(", ")
    ))
}
