//! Manifests moved in and out of the directory by rename, without fsync: counted.

use crate::doubles::ctx::Ctx;
use crate::world::What;
use std::path::Path;

pub fn quietly(ctx: &Ctx, from: &str, to: &str) -> std::io::Result<()> {
    ctx.disk().rename(Path::new(from), Path::new(to))
}

pub async fn counted(ctx: &Ctx, from: &str, to: &str) -> std::io::Result<()> {
    quietly(ctx, from, to)?;
    let file = to.rsplit('/').next().unwrap_or_default().to_string();
    ctx.effect(What::ManifestRename { file }).await;
    Ok(())
}
