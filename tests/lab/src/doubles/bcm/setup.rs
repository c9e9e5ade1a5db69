//! cm-kubernetes-setup: --list-versions, and nothing that would change a cluster.

use crate::doubles::ctx::Ctx;

pub fn run(ctx: &Ctx, args: &[String]) -> i32 {
    if !args.iter().any(|a| a == "--list-versions") {
        ctx.err("cm-kubernetes-setup: only --list-versions is known to the lab");
        return 2;
    }
    let versions = ctx.world.lock().bcm.versions.clone();
    versions.iter().for_each(|v| ctx.out(v));
    0
}
