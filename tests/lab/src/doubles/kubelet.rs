//! kubelet: --version is the binary, which is the package that is unpacked, not the process that runs. The process is a call that never
//! ends, where nodes are machines.

use super::ctx::Ctx;
use crate::kubelet;

pub async fn run(ctx: &Ctx, args: &[String]) -> i32 {
    match (args.iter().any(|a| a.starts_with("--version")), ctx.version_of("kubelet"), &ctx.caller) {
        (true, Some(v), _) => {
            ctx.out(&format!("Kubernetes {v}"));
            0
        }
        (false, _, Some(caller)) => kubelet::process(&ctx.world, &ctx.node, caller).await,
        _ => {
            ctx.err("the lab's kubelet runs by itself; only --version is a command");
            1
        }
    }
}
