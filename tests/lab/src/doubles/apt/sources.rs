//! `deb` lines of the sources: what apt knows packages of. Lists of another source may be on the disk, and apt does not read them.

use super::options::Options;
use crate::doubles::ctx::Ctx;
use std::path::Path;

/// Address and suite of each line.
pub fn lines(ctx: &Ctx, options: &Options) -> Vec<(String, String)> {
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

/// The minor of Kubernetes' own repository.
pub fn minor(address: &str) -> Option<u16> {
    address.strip_prefix("https://pkgs.k8s.io/core:/stable:/v1.")?.strip_suffix("/deb")?.parse().ok()
}

/// Minors that the sources name.
pub fn minors(ctx: &Ctx, options: &Options) -> Vec<u16> {
    lines(ctx, options).iter().filter_map(|(address, _)| minor(address)).collect()
}
