//! Manifests moved in and out of the directory by rename, without fsync: counted.

use crate::doubles::ctx::Ctx;
use crate::world::{What, Writer};
use std::path::Path;

fn name(path: &str) -> String {
    path.rsplit('/').next().unwrap_or_default().to_string()
}

/// The old one away. Between this and `counted` the node has no such manifest.
pub async fn moved_out(ctx: &Ctx, from: &str, to: &str) -> std::io::Result<()> {
    ctx.disk().rename(Path::new(from), Path::new(to))?;
    // No other task runs before the new one is in: kubeadm's two renames are microseconds apart. Only a power cut is possible here.
    ctx.world.record(&ctx.node, What::ManifestMovedOut { file: name(from) }, ctx.op());
    ctx.alive().await;
    Ok(())
}

pub async fn counted(ctx: &Ctx, from: &str, to: &str) -> std::io::Result<()> {
    let (disk, to_path) = (ctx.disk(), Path::new(to));
    ctx.world.writes(&ctx.node, to_path, Writer::Kubeadm, || disk.rename(Path::new(from), to_path))?;
    ctx.effect(What::ManifestRename { file: name(to) }).await;
    Ok(())
}
