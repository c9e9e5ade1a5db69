//! apt-get and apt-cache. Lists, sources and archives are files on the node's disk, wherever `-o Dir::…` puts them, so that a private
//! root stays private; installed packages are the World's.

mod cache;
mod config;
mod download;
mod install;
mod lists;
mod lock;
mod options;
mod simulate;
mod sources;
mod update;

pub use cache::cache;
pub use config::config;
pub use lists::{file as lists_file, text as lists_text};

use super::ctx::Ctx;
use options::Options;

pub async fn get(ctx: &Ctx, args: &[String]) -> i32 {
    let options = Options::of(args);
    match options.verb() {
        "update" => update::run(ctx, &options).await,
        "download" => download::run(ctx, &options).await,
        "install" => install::run(ctx, &options).await,
        "clean" | "autoclean" => 0,
        verb => {
            ctx.err(&format!("E: Invalid operation {verb}"));
            100
        }
    }
}
