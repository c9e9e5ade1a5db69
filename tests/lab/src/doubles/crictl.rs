//! crictl: ps, inspect, logs; pods are in `crictl_pods`, images in `crictl_images`.

use super::crictl_exec;
use super::crictl_images::{self, image_id};
use super::crictl_pods;
use super::ctx::Ctx;
use super::words::Words;
use crate::world::state::Container;
use serde_json::{Value, json};

pub async fn run(ctx: &Ctx, args: &[String]) -> i32 {
    let valued = [
        "-o",
        "--output",
        "--name",
        "--state",
        "--tail",
        "-r",
        "--runtime-endpoint",
        "--timeout",
        "-t",
        "--label",
        "--pod",
        "-p",
        "--namespace",
        "--id",
        "-n",
    ];
    let words = Words::of(args, &valued);
    match words.word(0) {
        "ps" => ps(ctx, &words),
        "pods" => crictl_pods::run(ctx, &words),
        "inspect" => inspect(ctx, words.word(1)),
        "logs" => logs(ctx, &words),
        "exec" => crictl_exec::run(ctx, args),
        "pull" => crictl_images::pull(ctx, words.word(1)).await,
        "images" | "img" => crictl_images::list(ctx, &words),
        "inspecti" => crictl_images::inspect(ctx, words.word(1)),
        "rmi" => crictl_images::remove(ctx, words.word(1)),
        "info" => crictl_images::info(ctx),
        "imagefsinfo" => crictl_images::filesystem(ctx),
        verb => {
            ctx.err(&format!("No help topic for '{verb}'"));
            3
        }
    }
}

fn labels(c: &Container, node: &str) -> Value {
    json!({"io.kubernetes.container.name": c.name, "io.kubernetes.pod.name": c.pod_name(node),
        "io.kubernetes.pod.namespace": c.namespace, "io.kubernetes.pod.uid": c.hash})
}

fn nanos(at: jiff::Timestamp) -> String {
    at.as_nanosecond().to_string()
}

fn state(c: &Container) -> &'static str {
    if c.running() { "CONTAINER_RUNNING" } else { "CONTAINER_EXITED" }
}

/// Newest first.
fn ps(ctx: &Ctx, words: &Words) -> i32 {
    let all = words.has(&["-a", "--all"]);
    let name = words.get("--name").unwrap_or_default().trim_matches(['^', '$']).to_string();
    let s = ctx.world.lock();
    let pod = words.get("--pod").or(words.get("-p")).unwrap_or_default();
    // Only who asks for one pod sees those beside kube-system.
    let others = if pod.is_empty() { s.pod_containers(&ctx.node) } else { s.ordinary_containers(&ctx.node) };
    let mine = s.node(&ctx.node).containers.iter().rev().chain(&others);
    let wanted =
        |c: &&Container| (all || c.running()) && c.name.contains(&name) && c.sandbox.id.starts_with(pod);
    let found: Vec<Container> = mine.filter(wanted).cloned().collect();
    drop(s);
    if words.get("-o").or(words.get("--output")) != Some("json") {
        ctx.out("CONTAINER           IMAGE               CREATED             STATE               NAME                      ATTEMPT             POD ID");
        found.iter().for_each(|c| {
            ctx.out(&format!(
                "{:.13}  {:.13}  {}  {}  {}  {}",
                c.id,
                c.image,
                c.created,
                state(c),
                c.name,
                c.attempt
            ))
        });
        return 0;
    }
    let item = |c: &Container| {
        json!({"id": c.id, "podSandboxId": c.sandbox.id,
            "metadata": {"name": c.name, "attempt": c.attempt}, "image": {"image": image_id(&c.image), "annotations": {}, "userSpecifiedImage": ""},
            "imageId": image_id(&c.image), "imageRef": image_id(&c.image), "state": state(c), "createdAt": nanos(c.created), "labels": labels(c, &ctx.node),
            "annotations": {"io.kubernetes.container.restartCount": c.attempt.to_string()}})
    };
    let list: Vec<Value> = found.iter().map(item).collect();
    ctx.out(&serde_json::to_string_pretty(&json!({"containers": list})).unwrap_or_default());
    0
}

fn find(ctx: &Ctx, id: &str) -> Option<Container> {
    let s = ctx.world.lock();
    let others = s.ordinary_containers(&ctx.node);
    let mut all = s.node(&ctx.node).containers.iter().chain(&others);
    all.find(|c| !id.is_empty() && c.id.starts_with(id)).cloned()
}

fn missing(ctx: &Ctx, id: &str) -> i32 {
    ctx.err(&format!("time=\"{}\" level=fatal msg=\"rpc error: code = NotFound desc = an error occurred when try to find container \\\"{id}\\\": not found\"", ctx.world.clock.now()));
    1
}

fn inspect(ctx: &Ctx, id: &str) -> i32 {
    let Some(c) = find(ctx, id) else { return missing(ctx, id) };
    let finished = c.finished.map_or_else(|| "0001-01-01T00:00:00Z".to_string(), |t| t.to_string());
    let reason = match (c.running(), c.exit) {
        (true, _) => "",
        (_, Some(0)) => "Completed",
        _ => "Error",
    };
    let (command, args) =
        (c.args.iter().take(1).collect::<Vec<_>>(), c.args.iter().skip(1).collect::<Vec<_>>());
    let v = json!({"status": {"id": c.id, "metadata": {"name": c.name, "attempt": c.attempt}, "state": state(&c),
        "createdAt": c.created.to_string(), "startedAt": c.created.to_string(), "finishedAt": finished,
        "exitCode": c.exit.unwrap_or(0), "image": {"image": c.image, "annotations": {}, "userSpecifiedImage": c.image},
        "imageRef": image_id(&c.image), "reason": reason, "message": "", "labels": labels(&c, &ctx.node),
        "annotations": {"io.kubernetes.container.restartCount": c.attempt.to_string()},
        "logPath": format!("/var/log/pods/{}_{}_{}/{}/{}.log", c.namespace, c.pod_name(&ctx.node), c.hash, c.name, c.attempt)},
        "info": {"pid": if c.running() { 4321 } else { 0 },
            "config": {"metadata": {"name": c.name, "attempt": c.attempt}, "image": {"image": image_id(&c.image), "user_specified_image": c.image}, "command": command, "args": args},
            "runtimeSpec": {"process": {"args": c.args}}}});
    ctx.out(&serde_json::to_string_pretty(&v).unwrap_or_default());
    0
}

fn logs(ctx: &Ctx, words: &Words) -> i32 {
    let id = words.word(1);
    let Some(c) = find(ctx, id) else { return missing(ctx, id) };
    let tail = words.get("--tail").and_then(|t| t.parse().ok()).unwrap_or(usize::MAX);
    c.log.iter().skip(c.log.len().saturating_sub(tail)).for_each(|l| ctx.err(l));
    0
}
