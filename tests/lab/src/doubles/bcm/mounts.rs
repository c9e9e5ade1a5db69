//! `umount` of what a session left in an image, and `rm -rf` of an image's folder.

use crate::doubles::ctx::Ctx;
use crate::doubles::dpkg;

pub fn umount(ctx: &Ctx, args: &[String]) -> i32 {
    let mut code = 0;
    for path in args.iter().filter(|a| !a.starts_with('-')) {
        let path = dpkg::within(ctx.disk().as_ref(), path);
        if ctx.world.is_busy(&path) {
            ctx.err(&format!("umount: {path}: target is busy."));
            code = 32;
        } else if !ctx.world.unmount_at(&path) {
            ctx.err(&format!("umount: {path}: not mounted."));
            code = 32;
        }
    }
    code
}

/// Refuses what is none of an image's, and what has a mount below it: that would empty the head's own /dev.
pub async fn rm(ctx: &Ctx, args: &[String]) -> i32 {
    for path in args.iter().filter(|a| !a.starts_with('-')) {
        let path = dpkg::within(ctx.disk().as_ref(), path);
        let image = path.strip_prefix("/cm/images/").filter(|name| !name.is_empty() && !name.contains('/'));
        let Some(image) = image else {
            ctx.err(&format!("rm: the lab removes folders of images only, and not '{path}'"));
            return 1;
        };
        if ctx.world.mounted_below(&path) {
            ctx.err(&format!("rm: skipping '{path}/proc', since it's on a different device"));
            return 1;
        }
        ctx.seconds(5.0).await;
        ctx.world.remove_folder(image);
    }
    0
}
