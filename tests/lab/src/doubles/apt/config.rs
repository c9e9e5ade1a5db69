//! `apt-config dump PREFIX`: what the files of /etc/apt/apt.conf.d say.

use crate::doubles::ctx::Ctx;
use std::path::Path;

const DIR: &str = "/etc/apt/apt.conf.d";

pub fn config(ctx: &Ctx, args: &[String]) -> i32 {
    let words: Vec<&str> = args.iter().filter(|a| !a.starts_with('-')).map(String::as_str).collect();
    let Some((&"dump", wanted)) = words.split_first() else {
        ctx.err("E: Arguments not in pairs");
        return 100;
    };
    let disk = ctx.disk();
    let names = disk.list(Path::new(DIR)).unwrap_or_default();
    let texts: String = names.iter().map(|n| disk.text(&format!("{DIR}/{n}"))).collect();
    for line in texts.lines().map(str::trim).filter(|l| l.ends_with(';') && !l.starts_with("//")) {
        if wanted.is_empty() || wanted.iter().any(|w| line.starts_with(w)) {
            ctx.out(line);
        }
    }
    0
}
