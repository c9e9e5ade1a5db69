//! `apt-get update`: reads the sources, fetches the lists.

use super::options::Options;
use super::{lists, sources};
use crate::doubles::ctx::Ctx;
use crate::world::{What, versions};
use std::path::Path;

pub async fn run(ctx: &Ctx, options: &Options) -> i32 {
    ctx.seconds(1.5).await;
    let dir = options.lists();
    let mut failed = false;
    let mut got = 0;
    if let Err(e) = forget_others(ctx, &dir, &sources::minors(ctx, options)) {
        ctx.err(&format!("E: List directory {dir} is missing or not writable - {e}"));
        return 100;
    }
    for (address, suite) in sources::lines(ctx, options) {
        let Some(minor) = sources::minor(&address) else {
            ctx.out(&format!("Hit:{} {address} {suite} InRelease", got + 1));
            continue;
        };
        let mut offers = versions::offered(&ctx.world.shape, minor);
        let lacks = ctx.world.lock().node(&ctx.node).mirror_lacks.clone();
        offers.retain(|(package, version, _)| !lacks.contains(&format!("{package}={version}")));
        if offers.is_empty() {
            ctx.out(&format!("Err:{} {address}  InRelease", got + 1));
            ctx.err(&format!("E: The repository '{address}  InRelease' is not signed."));
            failed = true;
            continue;
        }
        ctx.out(&format!("Get:{} {address}  InRelease [1353 B]", got + 1));
        ctx.out(&format!("Get:{} {address}  Packages [1451 B]", got + 2));
        got += 2;
        let put = || {
            ctx.disk().put_synced(
                Path::new(&lists::file(&dir, minor)),
                lists::text(&offers).as_bytes(),
                0o644,
            )
        };
        if let Err(e) = put() {
            ctx.err(&format!("E: List directory {dir} is missing or not writable - {e}"));
            return 100;
        }
    }
    if got > 0 {
        ctx.out("Fetched 2804 B in 0s (16.4 kB/s)");
    }
    ctx.out("Reading package lists...");
    if failed {
        return 100;
    }
    ctx.effect(What::AptUpdate { private: options.is_private() }).await;
    0
}

/// Lists of sources that are no longer there go away.
fn forget_others(ctx: &Ctx, dir: &str, minors: &[u16]) -> std::io::Result<()> {
    let disk = ctx.disk();
    let kept: Vec<String> = minors.iter().map(|m| lists::file(dir, *m)).collect();
    for name in disk.list(Path::new(dir)).unwrap_or_default() {
        let path = format!("{dir}/{name}");
        if name.ends_with("_Packages") && !kept.contains(&path) {
            disk.remove(Path::new(&path))?;
        }
    }
    Ok(())
}
