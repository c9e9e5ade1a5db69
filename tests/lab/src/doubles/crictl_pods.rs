//! `crictl pods`: the sandboxes of static pods, with the annotations that the kubelet gave them, and of ordinary ones with those
//! that they had when they started.

use super::ctx::Ctx;
use super::words::Words;
use crate::objects::seconds;
use crate::world::manifests::DIR;
use crate::world::pods;
use crate::world::state::Container;
use serde_json::{Value, json};

/// Newest first.
pub fn run(ctx: &Ctx, words: &Words) -> i32 {
    let name = words.get("--name").unwrap_or_default().trim_matches(['^', '$']).to_string();
    let state = words.get("--state").or(words.get("-s")).unwrap_or_default().to_ascii_lowercase();
    let all = sandboxes(ctx);
    let is = |p: &&Pod| pod_name(p, &ctx.node).contains(&name) && (state.is_empty() || state == word(p));
    let found: Vec<&Pod> = all.iter().filter(is).collect();
    if words.get("-o").or(words.get("--output")) == Some("json") {
        let mut items: Vec<Value> = found.iter().map(|p| item(p, &ctx.node)).collect();
        if state.is_empty() || state == "ready" {
            items.extend(ordinary(ctx, &name));
        }
        ctx.out(&serde_json::to_string_pretty(&json!({"items": items})).unwrap_or_default());
        return 0;
    }
    ctx.out("POD ID              CREATED             STATE               NAME                      NAMESPACE           ATTEMPT             RUNTIME");
    found.iter().for_each(|p| {
        let (c, name) = (&p.of, pod_name(p, &ctx.node));
        ctx.out(&format!(
            "{:.13}  {}  {}  {name}  kube-system  0  (default)",
            c.sandbox.id,
            c.sandbox.created,
            word(p)
        ));
    });
    0
}

/// Ready ones of ordinary pods.
fn ordinary(ctx: &Ctx, name: &str) -> Vec<Value> {
    let s = ctx.world.lock();
    let here = s
        .ordinary_pods(&ctx.node)
        .filter(|p| p["metadata"]["name"].as_str().is_some_and(|n| n.contains(name)));
    let started = |pod: &Value| s.api.index().annotations_at_start(pod).cloned().unwrap_or_default();
    here.filter_map(|pod| pods::containers(pod).first().map(|c| ready(pod, c, &started(pod)))).collect()
}

fn ready(pod: &Value, container: &Container, annotations: &Value) -> Value {
    let m = &pod["metadata"];
    let mut labels = m["labels"].clone();
    for part in ["name", "namespace", "uid"] {
        labels[format!("io.kubernetes.pod.{part}")] = m[part].clone();
    }
    json!({"id": container.sandbox.id, "metadata": {"name": m["name"], "uid": m["uid"], "namespace": m["namespace"], "attempt": 0},
        "state": "SANDBOX_READY", "createdAt": container.sandbox.created.as_nanosecond().to_string(), "labels": labels,
        "annotations": annotations, "runtimeHandler": ""})
}

struct Pod {
    /// One of its containers.
    of: Container,
    ready: bool,
}

fn sandboxes(ctx: &Ctx) -> Vec<Pod> {
    let s = ctx.world.lock();
    let mut all: Vec<Pod> = vec![];
    for c in s.node(&ctx.node).containers.iter().rev() {
        if all.iter().any(|p| p.of.sandbox.id == c.sandbox.id) {
            continue;
        }
        // A container that crashes leaves its sandbox as it is; a newer sandbox of the pod ends the older one.
        let newest = !all.iter().any(|p| p.of.pod == c.pod);
        let stopped = c.exit == Some(0) && !c.running();
        all.push(Pod { of: c.clone(), ready: newest && !stopped });
    }
    all
}

fn pod_name(pod: &Pod, node: &str) -> String {
    format!("{}-{node}", pod.of.pod)
}

fn word(pod: &Pod) -> &'static str {
    if pod.ready { "ready" } else { "notready" }
}

fn item(pod: &Pod, node: &str) -> Value {
    let (c, name) = (&pod.of, pod_name(pod, node));
    let state = if pod.ready { "SANDBOX_READY" } else { "SANDBOX_NOTREADY" };
    json!({"id": c.sandbox.id, "metadata": {"name": name, "uid": c.hash, "namespace": "kube-system", "attempt": 0},
        "state": state, "createdAt": c.sandbox.created.as_nanosecond().to_string(),
        "labels": {"component": c.pod, "io.kubernetes.pod.name": name, "io.kubernetes.pod.namespace": "kube-system",
            "io.kubernetes.pod.uid": c.hash, "tier": "control-plane"},
        "annotations": {"kubernetes.io/config.hash": c.hash, "kubernetes.io/config.seen": seconds(c.sandbox.created),
            "kubernetes.io/config.source": "file", "podlift.lab/file": format!("{DIR}/{}", c.sandbox.file)},
        "runtimeHandler": ""})
}
