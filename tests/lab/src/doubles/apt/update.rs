//! `apt-get update`: reads the sources, fetches the lists.

use super::lists;
use super::options::Options;
use crate::doubles::ctx::Ctx;
use crate::world::{What, versions};
use std::path::Path;

/// A `deb` line: (address, suite).
fn lines(ctx: &Ctx, options: &Options) -> Vec<(String, String)> {
    let disk = ctx.disk();
    let mut files = vec![options.source_list()];
    if let Some(dir) = options.source_parts() {
        let names = disk.list(Path::new(&dir)).unwrap_or_default();
        files.extend(names.iter().filter(|n| n.ends_with(".list")).map(|n| format!("{dir}/{n}")));
    }
    let parse = |line: String| {
        let rest = line.trim().strip_prefix("deb ")?.trim_start().to_string();
        let rest = if rest.starts_with('[') { rest.split_once(']')?.1.to_string() } else { rest };
        let mut words = rest.split_whitespace();
        Some((words.next()?.trim_end_matches('/').to_string(), words.next()?.to_string()))
    };
    let texts = files.iter().map(|f| disk.text(f));
    texts.flat_map(|t| t.lines().map(ToString::to_string).collect::<Vec<_>>()).filter_map(parse).collect()
}

fn minor(address: &str) -> Option<u16> {
    address.strip_prefix("https://pkgs.k8s.io/core:/stable:/v1.")?.strip_suffix("/deb")?.parse().ok()
}

pub async fn run(ctx: &Ctx, options: &Options) -> i32 {
    ctx.seconds(1.5).await;
    let dir = options.lists();
    let mut failed = false;
    let mut got = 0;
    for (address, suite) in lines(ctx, options) {
        let Some(minor) = minor(&address) else {
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
        if let Err(e) = replace_lists(ctx, &dir, minor, &lists::text(&offers)) {
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

/// Lists of sources that are no more there go away.
fn replace_lists(ctx: &Ctx, dir: &str, minor: u16, text: &str) -> std::io::Result<()> {
    let disk = ctx.disk();
    let file = lists::file(dir, minor);
    for name in disk.list(Path::new(dir)).unwrap_or_default() {
        let path = format!("{dir}/{name}");
        if name.ends_with("_Packages") && path != file {
            disk.remove(Path::new(&path))?;
        }
    }
    disk.put_synced(Path::new(&file), text.as_bytes(), 0o644)
}
