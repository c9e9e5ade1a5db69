//! containerd --version.

use super::ctx::Ctx;

pub fn run(ctx: &Ctx, args: &[String]) -> i32 {
    if !args.iter().any(|a| matches!(a.as_str(), "--version" | "-v")) {
        ctx.err("containerd: the lab's containerd runs by itself; only --version is a command");
        return 1;
    }
    let version = ctx.world.lock().node(&ctx.node).containerd.clone();
    ctx.out(&format!(
        "containerd github.com/containerd/containerd v{version} 05044ec0a9a75232cad458027ca83437aae3f4da"
    ));
    0
}
