//! `crictl images`, `inspecti`, `pull`, `rmi`, `info` and `imagefsinfo`: the images of the node's runtime, their file system, and its sandbox
//! image.

use super::ctx::Ctx;
use super::words::Words;
use crate::world::images::Image;
use serde_json::{Value, json};

pub fn image_id(image: &str) -> String {
    format!("sha256:{}", podlift_model::Digest::of(image))
}

fn item(name: &str, image: &Image) -> Value {
    json!({"id": image_id(name), "repoTags": [name], "repoDigests": [], "size": "100000000", "uid": null, "username": "",
        "spec": null, "pinned": image.pinned()})
}

/// All, or those of one name.
pub fn list(ctx: &Ctx, words: &Words) -> i32 {
    let wanted = words.word(1);
    let s = ctx.world.lock();
    let images = s.node(&ctx.node).images.iter().filter(|(n, _)| wanted.is_empty() || n.starts_with(wanted));
    let list: Vec<Value> = images.map(|(n, i)| item(n, i)).collect();
    drop(s);
    if words.get("-o").or(words.get("--output")) == Some("json") {
        ctx.out(&json!({"images": list}).to_string());
        return 0;
    }
    ctx.out("IMAGE                                     TAG                 IMAGE ID            SIZE");
    for v in &list {
        let (name, tag) = v["repoTags"][0].as_str().and_then(|n| n.rsplit_once(':')).unwrap_or_default();
        ctx.out(&format!(
            "{name:<42}{tag:<20}{:.13}  100MB",
            image_id(&format!("{name}:{tag}")).replace("sha256:", "")
        ));
    }
    0
}

pub fn inspect(ctx: &Ctx, name: &str) -> i32 {
    let found = ctx.world.lock().node(&ctx.node).images.get(name).map(|i| item(name, i));
    match found {
        Some(status) => {
            ctx.out(&json!({"status": status, "info": {}}).to_string());
            0
        }
        None => {
            fatal(ctx, &format!("no such image \"{name}\" present"));
            1
        }
    }
}

fn fatal(ctx: &Ctx, why: &str) {
    ctx.err(&format!(
        "time=\"{}\" level=fatal msg={why:?}",
        ctx.world.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    ));
}

/// Asks the registry also for an image that is there.
pub async fn pull(ctx: &Ctx, image: &str) -> i32 {
    let pulled = ctx.world.pull_image(&ctx.node, image, ctx.op()).await;
    ctx.pause().await;
    match pulled {
        Ok(_) => {
            ctx.out(&format!("Image is up to date for {}", image_id(image)));
            0
        }
        Err(error) => {
            let (at, text) = (ctx.world.clock.now().strftime("%m%d %H:%M:%S.%6f"), error.to_string());
            ctx.err(&format!("E{at}       1 log.go:32] \"PullImage from image service failed\" err={text:?} image={image:?}"));
            fatal(ctx, &format!("pulling image: {text}"));
            1
        }
    }
}

pub fn remove(ctx: &Ctx, image: &str) -> i32 {
    match ctx.world.remove_image(&ctx.node, image) {
        true => {
            ctx.out(&format!("Deleted: {image}"));
            0
        }
        false => {
            fatal(ctx, &format!("unable to remove the image(s): no such image {image}"));
            1
        }
    }
}

/// The parts of the CRI plugin's configuration that clients read.
pub fn info(ctx: &Ctx) -> i32 {
    let condition = |kind: &str| json!({"type": kind, "status": true, "reason": "", "message": ""});
    let v = json!({"status": {"conditions": [condition("RuntimeReady"), condition("NetworkReady")]},
        "config": {"sandboxImage": ctx.world.sandbox_image(&ctx.node), "containerdRootDir": "/var/lib/containerd"},
        "lastCNILoadStatus": "OK"});
    ctx.out(&serde_json::to_string_pretty(&v).unwrap_or_default());
    0
}

/// The file system of the images; its use is not asked here, but of the system.
pub fn filesystem(ctx: &Ctx) -> i32 {
    let at = ctx.world.clock.now().as_nanosecond().to_string();
    let one = json!({"timestamp": at, "fsId": {"mountpoint": "/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs"},
        "usedBytes": {"value": "41943040000"}, "inodesUsed": {"value": "310542"}});
    ctx.out(&json!({"status": {"imageFilesystems": [one], "containerFilesystems": [one]}}).to_string());
    0
}
