//! `dpkg --audit`, and `dpkg-deb -x`: a package of the lab unpacks into a program that is the double of that version.

use super::ctx::Ctx;
use crate::disk::Disk;
use std::path::Path;

const UNPACKED: &str = "The following packages have been unpacked but not yet configured.\n\
    They must be configured using dpkg --configure or the configure\n\
    menu option in dselect for them to work:";

/// What a package of Kubernetes says of itself in dpkg's list.
fn described(package: &str) -> &'static str {
    match package {
        "kubeadm" => "Command-line utility for administering a Kubernetes cluster",
        "kubelet" => "Node agent for Kubernetes clusters",
        "kubectl" => "Command-line utility for interacting with a Kubernetes cluster",
        _ => "",
    }
}

pub fn run(ctx: &Ctx, args: &[String]) -> i32 {
    match args.iter().map(String::as_str).find(|a| matches!(*a, "--audit" | "-C")) {
        Some(_) => audit(ctx),
        None => {
            ctx.err("dpkg: error: need an action option");
            2
        }
    }
}

/// Says nothing where nothing is half done.
fn audit(ctx: &Ctx) -> i32 {
    let s = ctx.world.lock();
    let half = s.node(&ctx.node).packages.iter().filter(|(_, p)| p.half);
    let half: Vec<String> = half.map(|(name, _)| name.clone()).collect();
    drop(s);
    if half.is_empty() {
        return 0;
    }
    ctx.out(UNPACKED);
    half.iter().for_each(|name| ctx.out(&format!(" {name:<20} {}", described(name))));
    ctx.out("");
    0
}

pub fn deb(ctx: &Ctx, args: &[String]) -> i32 {
    let words: Vec<&str> = args.iter().filter(|a| !a.starts_with('-')).map(String::as_str).collect();
    let extract = args.iter().any(|a| matches!(a.as_str(), "-x" | "--extract"));
    let (true, &[package, folder]) = (extract, words.as_slice()) else {
        ctx.err("dpkg-deb: error: need an action option");
        return 2;
    };
    match unpack(ctx, package, folder) {
        Ok(()) => 0,
        Err(why) => {
            ctx.err(&format!("dpkg-deb: error: {why}"));
            2
        }
    }
}

fn unpack(ctx: &Ctx, package: &str, folder: &str) -> Result<(), String> {
    let disk = ctx.disk();
    let (package, folder) = (within(disk.as_ref(), package), within(disk.as_ref(), folder));
    if !disk.exists(&package) {
        return Err(format!("failed to read archive '{package}': No such file or directory"));
    }
    let text = disk.text(&package);
    let mut words = text.strip_prefix(PACKAGE).unwrap_or_default().split_whitespace();
    let (Some(name), Some(version)) = (words.next(), words.next()) else {
        return Err(format!("'{package}' is not a Debian format archive"));
    };
    let program = program(ctx, name, version);
    let path = format!("{}/usr/bin/{name}", folder.trim_end_matches('/'));
    disk.put_synced(Path::new(&path), program.as_bytes(), 0o755).map_err(|e| e.to_string())
}

/// How the bytes of a package of the lab begin; its name and version follow.
pub const PACKAGE: &str = "lab package ";
/// In the environment of a program that is not the installed one.
pub const VERSION: &str = "PODLIFT_LAB_VERSION";

fn program(ctx: &Ctx, name: &str, version: &str) -> String {
    let version = version.split('-').next().unwrap_or_default();
    // In a lab of processes: beside the folder of the nodes (`supervisor/tree.rs`).
    let tools = ctx.disk().root().and_then(|root| Some(root.parent()?.parent()?.join("bin").join(&ctx.node)));
    let tool = tools.unwrap_or_else(|| "/usr/bin".into()).join(name);
    let tool = tool.display();
    format!("#!/bin/sh\n{VERSION}=v{version} exec '{tool}' \"$@\"\n")
}

/// The version that such a program runs as.
pub fn version_of(program: &str) -> Option<String> {
    let line = program.lines().find_map(|l| l.strip_prefix(VERSION)?.strip_prefix('='))?;
    Some(line.split_whitespace().next()?.to_string())
}

/// The folder that a program was started in, as its caller names it.
pub const FOLDER: &str = "PODLIFT_LAB_FOLDER";

/// An agent with `--root` gives paths of this machine to the programs that it runs; doubles know paths within the node.
pub fn within(disk: &dyn Disk, path: &str) -> String {
    let root = disk.root().map(|r| r.display().to_string()).filter(|r| r != "/").unwrap_or_default();
    match path.strip_prefix(&root) {
        Some(rest) if !root.is_empty() && rest.starts_with('/') => rest.into(),
        _ => path.into(),
    }
}

#[cfg(test)]
mod tests {
    use crate::doubles;
    use crate::world::{Shape, World};
    use std::collections::BTreeMap;
    use std::sync::Arc;

    async fn call(world: &Arc<World>, program: &str, line: &str) -> doubles::Ended {
        let args: Vec<String> = line.split_whitespace().map(String::from).collect();
        doubles::run(world, "cp", program, &args, &BTreeMap::new()).await.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn the_unpacked_kubeadm_is_not_the_installed_one() {
        let shape = Shape { control_planes: vec!["cp".into()], workers: vec![], ..Shape::default() };
        let world = World::new(shape);
        let disk = world.disk("cp");
        disk.put_text("/p/sources.list", "deb https://pkgs.k8s.io/core:/stable:/v1.32/deb/ /\n", 0o644)
            .unwrap();
        let private = "-o Dir::Etc::sourcelist=/p/sources.list -o Dir::Etc::sourceparts=- -o Dir::State::lists=/p/lists -o Dir::Cache::archives=/p/archives";
        assert_eq!(call(&world, "apt-get", &format!("{private} update")).await.code, 0);
        let got = call(&world, "apt-get", &format!("{private} download kubeadm=1.32.9-1.1")).await;
        assert_eq!((got.code, got.stderr.as_str()), (0, ""));
        let deb = "/p/archives/kubeadm_1.32.9-1.1_amd64.deb";
        assert_eq!(call(&world, "dpkg-deb", &format!("-x {deb} /p/unpacked")).await.code, 0);
        let version = call(&world, "/p/unpacked/usr/bin/kubeadm", "version -o short").await;
        assert_eq!(version.stdout, "v1.32.9\n");
        assert_eq!(call(&world, "kubeadm", "version -o short").await.stdout, "v1.31.9\n");
        assert!(call(&world, "dpkg-deb", "-x /nowhere.deb /p").await.stderr.contains("No such file"));
    }

    #[tokio::test(start_paused = true)]
    async fn only_what_is_half_done_is_said() {
        let world =
            World::new(Shape { control_planes: vec!["cp".into()], workers: vec![], ..Shape::default() });
        assert_eq!(call(&world, "dpkg", "--audit").await.stdout, "");
        world.update(|s| s.node_mut("cp").packages.get_mut("kubelet").unwrap().half = true);
        let said = call(&world, "dpkg", "--audit").await.stdout;
        assert!(
            said.contains("\n kubelet ") && said.starts_with("The following packages have been unpacked")
        );
    }
}
