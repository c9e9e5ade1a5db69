//! kubelet --version: the binary, which is the package that is unpacked, not the process that runs.

use super::ctx::Ctx;

pub fn run(ctx: &Ctx, args: &[String]) -> i32 {
    let version = ctx.world.lock().node(&ctx.node).package_version("kubelet");
    match (args.iter().any(|a| a.starts_with("--version")), version) {
        (true, Some(v)) => {
            ctx.out(&format!("Kubernetes {v}"));
            0
        }
        _ => {
            ctx.err("the lab's kubelet runs by itself; only --version is a command");
            1
        }
    }
}
