//! BCM's tools on the head node: cmsh (kubernetes mode), cm-kubernetes-setup --list-versions, cm-chroot-sw-img.

use super::ctx::{Ctx, HEAD};
use crate::world::What;

/// `cmsh -q -n -c "kubernetes; use NAME; get version"`. Without -q the rest runs after an error, too. `set` is lost without `commit`.
pub async fn cmsh(ctx: &Ctx, args: &[String]) -> i32 {
    let script =
        args.iter().position(|a| a == "-c").and_then(|i| args.get(i + 1)).cloned().unwrap_or_default();
    let quits = args.iter().any(|a| a == "-q");
    let mut staged: Option<String> = None;
    let (mut mode, mut path) = (false, Vec::new());
    ctx.seconds(0.5).await;
    for command in script.split(';').map(str::trim).filter(|c| !c.is_empty()) {
        let words: Vec<&str> = command.split_whitespace().collect();
        let bcm = ctx.world.lock().bcm.clone();
        let problem = match (mode, words.as_slice()) {
            (_, ["kubernetes", ..]) => {
                mode = true;
                None
            }
            (true, [below @ ("appgroups" | "applications")]) => {
                path.push(*below);
                None
            }
            (true, ["use", "system"]) if path == ["appgroups"] => None,
            (true, ["list"]) if path == ["appgroups", "applications"] => {
                ctx.out(&table(&bcm.applications));
                None
            }
            (true, ["use", name]) => (*name != bcm.cluster)
                .then(|| format!("No kubernetes cluster with name '{name}' could be found")),
            (true, ["list", ..]) => {
                ctx.out(&format!("Name (key)\n----------------\n{}", bcm.cluster));
                None
            }
            (true, ["get", "version"]) => {
                ctx.out(staged.as_ref().unwrap_or(&bcm.version));
                None
            }
            (true, ["set", "version", version]) => {
                staged = Some((*version).to_string());
                None
            }
            (true, ["commit", ..]) => {
                if let Some(version) = staged.take() {
                    ctx.world.update(|s| s.bcm.version = version.clone());
                    ctx.world.record(HEAD, What::BcmVersion { version }, None);
                }
                None
            }
            _ => Some(format!("Command '{command}' not found.")),
        };
        if let Some(text) = problem {
            ctx.err(&text);
            if quits {
                return 1;
            }
        }
    }
    0
}

fn table(applications: &[(String, bool)]) -> String {
    let row = |(name, on): &(String, bool)| {
        let enabled = if *on { "yes" } else { "no" };
        format!("\n{name:<19} {:<6} {enabled:<7}", "Yaml")
    };
    let rows: String = applications.iter().map(row).collect();
    format!(
        "{:<19} {:<6} {:<7}\n{} {} {}{rows}",
        "Name (key)",
        "Format",
        "Enabled",
        "-".repeat(19),
        "-".repeat(6),
        "-".repeat(7)
    )
}

pub fn setup(ctx: &Ctx, args: &[String]) -> i32 {
    if !args.iter().any(|a| a == "--list-versions") {
        ctx.err("cm-kubernetes-setup: only --list-versions is known to the lab");
        return 2;
    }
    let versions = ctx.world.lock().bcm.versions.clone();
    versions.iter().for_each(|v| ctx.out(v));
    0
}

pub fn chroot(ctx: &Ctx, args: &[String]) -> i32 {
    let known = args.first().is_some_and(|image| ctx.world.lock().bcm.images.contains(image));
    if !known {
        ctx.err(&format!("Image directory {} does not exist", args.first().map_or("", String::as_str)));
        return 1;
    }
    ctx.out("mounted /dev, /proc, /sys\nunmounted /dev, /proc, /sys");
    0
}
