//! `containerd --version` and `containerd config dump`.

use super::ctx::Ctx;
use crate::world::site::CONTAINERD_CONFIG;

pub fn run(ctx: &Ctx, args: &[String]) -> i32 {
    if args.iter().map(String::as_str).eq(["config", "dump"]) {
        return dump(ctx);
    }
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

/// The file with the default of the sandbox image where it names none.
fn dump(ctx: &Ctx) -> i32 {
    let text = ctx.disk().text(CONTAINERD_CONFIG);
    let plugin = "[plugins.\"io.containerd.grpc.v1.cri\"]";
    let named = text.contains("sandbox_image");
    let default = format!("{plugin}\n  sandbox_image = \"{}\"", ctx.world.sandbox_image(&ctx.node));
    ctx.print(&if named { text } else { text.replacen(plugin, &default, 1) }, false);
    0
}
