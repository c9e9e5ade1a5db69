//! kubeadm upgrade diff VERSION: rendered from kubeadm-config against the live manifests, as a unified diff without context. Exit 0
//! whether or not there are differences; changes nothing.

use super::error::{Ended, Failed};
use super::{api, policy, texts, unified};
use crate::doubles::ctx::Ctx;
use crate::world::manifests::{DIR, render};
use podlift_model::op::Component;

pub async fn run(ctx: &Ctx, to: &str) -> Ended {
    texts::reading(ctx, "upgrade/diff");
    ctx.seconds(0.5).await;
    let (_, config) = api::config(ctx).await?;
    let to = policy::parse(if to.is_empty() { &config.version } else { to })?;
    let own = super::own_version(ctx);
    if to.minor > own.minor {
        return Err(Failed::new(format!(
            "this version of kubeadm only supports deploying clusters with the control plane version <= 1.{}. Current version: {to}",
            own.minor
        )));
    }
    let ip = ctx.world.lock().node(&ctx.node).ip.clone();
    for component in Component::ALL {
        let path = format!("{DIR}/{}", component.file());
        if !ctx.disk().exists(&path) {
            return Err(Failed::new(format!("open {path}: no such file or directory")));
        }
        let text = unified::diff(&ctx.disk().text(&path), &render(*component, to, &config, &ip), &path);
        ctx.print(&text, false);
    }
    Ok(())
}
