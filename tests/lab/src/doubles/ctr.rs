//! `ctr -n k8s.io images label|ls|rm` and `ctr content fetch-object`: containerd's own image store, without CRI, and its question to a
//! registry. A label is by reference, and `ls` shows it.

use super::crictl_images::image_id;
use super::ctx::Ctx;
use super::words::Words;
use crate::world::images::Image;
use serde_json::json;

/// Where the kubelet's images are.
const NAMESPACE: &str = "k8s.io";

pub fn run(ctx: &Ctx, args: &[String]) -> i32 {
    let words = Words::of(args, &["-n", "--namespace", "-a", "--address", "--timeout", "--hosts-dir"]);
    let namespace = words.get("-n").or(words.get("--namespace")).unwrap_or("default");
    match (words.word(0), words.word(1)) {
        ("images" | "image" | "i", "label") => label(ctx, &words, namespace),
        ("images" | "image" | "i", "ls" | "list") => list(ctx, &words, namespace),
        ("images" | "image" | "i", "rm" | "del" | "delete" | "remove") => remove(ctx, &words, namespace),
        ("content", "fetch-object") => fetch(ctx, &words),
        (verb, sub) => {
            ctx.err(&format!("No help topic for '{}'", if sub.is_empty() { verb } else { sub }));
            3
        }
    }
}

fn not_found(ctx: &Ctx, image: &str) -> i32 {
    ctx.err(&format!("ctr: image \"{image}\": not found"));
    1
}

fn shown(image: &Image) -> String {
    let all: Vec<String> = image.labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
    if all.is_empty() { "-".into() } else { all.join(",") }
}

/// Sets labels; one without a value goes. Prints those that the image has then.
fn label(ctx: &Ctx, words: &Words, namespace: &str) -> i32 {
    let name = words.word(2);
    let labelled = ctx.world.update(|s| {
        let image = s.node_mut(&ctx.node).images.get_mut(name).filter(|_| namespace == NAMESPACE)?;
        for (key, value) in words.words.iter().skip(3).map(|w| w.split_once('=').unwrap_or((w, ""))) {
            match value {
                "" => drop(image.labels.remove(key)),
                value => drop(image.labels.insert(key.into(), value.into())),
            }
        }
        Some(shown(image))
    });
    match labelled {
        Some(text) => {
            ctx.out(&text);
            0
        }
        None => not_found(ctx, name),
    }
}

/// Filters `name==REF` and `labels."KEY"==VALUE`; several are alternatives.
fn matches(filter: &str, name: &str, image: &Image) -> bool {
    let Some((field, value)) = filter.split_once("==") else {
        let key = filter.strip_prefix("labels.").unwrap_or_default().trim_matches('"');
        return image.labels.contains_key(key);
    };
    match field.strip_prefix("labels.") {
        Some(key) => image.labels.get(key.trim_matches('"')).is_some_and(|v| v == value.trim_matches('"')),
        None => field == "name" && value.trim_matches('"') == name,
    }
}

fn list(ctx: &Ctx, words: &Words, namespace: &str) -> i32 {
    let filters = &words.words[2.min(words.words.len())..];
    let s = ctx.world.lock();
    let images = s.node(&ctx.node).images.iter().filter(|_| namespace == NAMESPACE);
    let found = images.filter(|(n, i)| filters.is_empty() || filters.iter().any(|f| matches(f, n, i)));
    let rows: Vec<(String, String)> = found.map(|(n, i)| (n.clone(), shown(i))).collect();
    drop(s);
    if words.has(&["-q", "--quiet"]) {
        rows.iter().for_each(|(name, _)| ctx.out(name));
        return 0;
    }
    ctx.out("REF TYPE DIGEST SIZE PLATFORMS LABELS");
    for (name, labels) in rows {
        let kind = "application/vnd.docker.distribution.manifest.list.v2+json";
        ctx.out(&format!("{name} {kind} {} 95.4 MiB linux/amd64,linux/arm64 {labels}", image_id(&name)));
    }
    0
}

/// The registry's manifest of an image; nothing is stored.
fn fetch(ctx: &Ctx, words: &Words) -> i32 {
    let image = words.word(2);
    let refused = ctx.world.lock().resolve_refused(&ctx.world.shape.newest, image);
    match refused {
        Some((_, why)) => {
            ctx.err(&format!("ctr: failed to resolve reference \"{image}\": {why}"));
            1
        }
        None => {
            ctx.out(&json!({"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.list.v2+json", "manifests": []}).to_string());
            0
        }
    }
}

fn remove(ctx: &Ctx, words: &Words, namespace: &str) -> i32 {
    let name = words.word(2);
    match namespace == NAMESPACE && ctx.world.remove_image(&ctx.node, name) {
        true => {
            ctx.out(name);
            0
        }
        false => not_found(ctx, name),
    }
}
