//! `apt-get download NAME=VERSION`: the package into the folder that it is called in, whatever is installed.

use super::lists;
use super::options::Options;
use crate::doubles::ctx::Ctx;
use crate::doubles::dpkg;
use std::path::Path;

pub async fn run(ctx: &Ctx, options: &Options) -> i32 {
    let disk = ctx.disk();
    let folder = ctx.env.get(dpkg::FOLDER).map(|f| dpkg::within(disk.as_ref(), f));
    let folder = folder.unwrap_or_else(|| options.archives());
    let offers = lists::offers(ctx, options);
    for word in options.words.iter().skip(1) {
        let (name, version) = word.split_once('=').unwrap_or((word, ""));
        let mut mine =
            offers.iter().filter(|o| o.package == name && (version.is_empty() || o.version == version));
        let Some(offer) = mine.next() else {
            ctx.err(&format!("E: Version '{version}' for '{name}' was not found"));
            return 100;
        };
        ctx.seconds(0.5).await;
        let line =
            format!("https://pkgs.k8s.io/core:/stable:/v1.{}/deb  {name} {}", offer.minor, offer.version);
        ctx.out(&format!("Get:1 {line} [{:.1} MB]", offer.kilobytes as f64 / 1000.0));
        let path = format!("{folder}/{name}_{}_amd64.deb", offer.version);
        let text = format!("{}{name} {}\n", dpkg::PACKAGE, offer.version);
        if let Err(e) = disk.put_synced(Path::new(&path), text.as_bytes(), 0o644) {
            ctx.err(&format!("E: Failed to fetch: {e}"));
            return 100;
        }
    }
    0
}
