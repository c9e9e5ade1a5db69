//! `du -s` of an image's folder: each has the size of a real one, and a clone that was cut short less.

use crate::doubles::ctx::Ctx;
use crate::doubles::dpkg;
use crate::world::bcm::SIZE;

pub async fn run(ctx: &Ctx, args: &[String]) -> i32 {
    let path = args.iter().rfind(|a| !a.starts_with('-')).map(String::as_str).unwrap_or_default();
    let path = dpkg::within(ctx.disk().as_ref(), path);
    ctx.seconds(2.0).await;
    if !ctx.disk().exists(&path) {
        ctx.err(&format!("du: cannot access '{path}': No such file or directory"));
        return 1;
    }
    let bytes = args.iter().any(|a| matches!(a.as_str(), "--bytes" | "-b" | "--block-size=1"));
    let whole = ctx.world.lock().bcm.image_at(&path).is_none_or(|(_, i)| i.whole);
    let size = if whole { SIZE } else { SIZE / 3 };
    let size = if bytes { size } else { size >> 10 };
    ctx.out(&format!("{size}\t{path}"));
    0
}
