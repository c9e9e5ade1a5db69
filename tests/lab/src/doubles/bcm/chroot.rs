//! cm-chroot-sw-img PATH, then words of one command, one string for a shell, or commands on stdin. Its exit code is that of the last command.
//! What it mounts in the image is unmounted at its end, where no switch says otherwise.

use super::shell;
use crate::doubles::ctx::Ctx;
use crate::doubles::{boxed, dpkg, nft};
use crate::world::bcm::Jail;

/// They refuse, or fail, in an image that is being sent.
const PACKAGE_MANAGERS: [&str; 3] = ["apt-get", "apt-mark", "dpkg"];

pub async fn run(ctx: &Ctx, args: &[String]) -> i32 {
    let (path, words) = split(args);
    let path = dpkg::within(ctx.disk().as_ref(), path);
    let known = {
        let s = ctx.world.lock();
        s.bcm.image_at(&path).map(|(name, i)| (name.clone(), !i.mounts.is_empty()))
    };
    let Some((image, mounted)) = known else {
        ctx.err(&format!("Image directory {path} does not exist"));
        return 1;
    };
    ctx.seconds(1.0).await;
    ctx.out(if mounted { "already mounted" } else { "mounted /dev, /dev/pts, /proc, /sys, /run" });
    let jail = Jail::enter(&ctx.world, &image);
    let before = ctx.world.lock().node(&path).packages.clone();
    let code = session(ctx, &path, words).await;
    // dpkg writes its record with each change; here it follows, before anybody can look.
    ctx.world.write_status(&path);
    if ctx.world.lock().node(&path).packages != before {
        ctx.world.ramdisks(&image);
    }
    drop(jail);
    ctx.out("unmounted /dev, /dev/pts, /proc, /sys, /run");
    ctx.pause().await;
    code
}

/// `-s FOLDER` makes a shared folder available; the first other word is the image.
fn split(args: &[String]) -> (&str, &[String]) {
    let mut rest = args;
    while let Some(after) = rest.strip_prefix(&["-s".to_string()][..]) {
        rest = after.get(1..).unwrap_or_default();
    }
    match rest.split_first() {
        Some((path, words)) => (path.trim_end_matches('/'), words),
        None => ("", rest),
    }
}

async fn session(ctx: &Ctx, path: &str, words: &[String]) -> i32 {
    let inner = ctx.inside(path);
    match words {
        [text] => script(&inner, text).await,
        [] => {
            let text = ctx.env.get(nft::STDIN).cloned().unwrap_or_default();
            script(&inner, &text).await
        }
        [sh, flag, text] if matches!(sh.as_str(), "sh" | "bash" | "/bin/sh") && flag == "-c" => {
            script(&inner, text).await
        }
        words => command(&inner, words).await,
    }
}

async fn script(ctx: &Ctx, text: &str) -> i32 {
    let mut code = 0;
    for c in shell::commands(text) {
        if c.if_well && code != 0 {
            continue;
        }
        code = command(ctx, &c.words).await;
    }
    code
}

async fn command(ctx: &Ctx, words: &[String]) -> i32 {
    let (set, words) = shell::assignments(words);
    let ctx = set.into_iter().fold(ctx.clone(), |ctx, (name, value)| ctx.with_env(&name, value));
    let Some((program, args)) = words.split_first() else { return 0 };
    let image = ctx.node.rsplit('/').next().unwrap_or_default();
    if PACKAGE_MANAGERS.contains(&program.as_str()) && ctx.world.being_sent(image) {
        // How it says so is not known; that it does not work is (bcm.md 2.1).
        ctx.err(&format!("{program}: the software image {image} is being provisioned"));
        return 100;
    }
    match boxed(&ctx, program, args).await {
        Some(code) => code,
        None => {
            ctx.err(&format!("chroot: failed to run command '{program}': No such file or directory"));
            127
        }
    }
}
