//! Mirror pods: made when a static pod starts, changed when its status is reported, and only while some API server answers through the
//! proxy. Phase Running also for a container that crashed (`pkg/kubelet/kubelet_pods.go`, restartPolicy Always).

use super::files::Manifest;
use crate::objects::{Key, seconds};
use crate::world::World;
use crate::world::{cast, pods};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

fn key(node: &str, name: &str) -> Key {
    Key::pod("kube-system", &format!("{name}-{node}"))
}

/// After an API server came back, a kubelet first makes the mirror pod, and reports its status with the next look.
const PUBLISH: Duration = Duration::from_millis(500);
const REPORT: Duration = Duration::from_millis(1500);

/// Does it now, or so long after an API server is up.
fn when_up(world: &Arc<World>, node: &str, after: Duration, act: impl FnOnce(&Arc<World>) + Send + 'static) {
    if !world.lock().fronts().is_empty() {
        return act(world);
    }
    let waiting = world.clone();
    world.spawn(node, async move {
        waiting.until(|s| !s.fronts().is_empty()).await;
        waiting.sleep(after).await;
        act(&waiting);
    });
}

/// The mirror pod of a new hash, Pending until its containers are known.
pub fn publish(world: &Arc<World>, node: &str, manifest: &Manifest) {
    let (node, manifest) = (node.to_string(), manifest.clone());
    when_up(world, &node.clone(), PUBLISH, move |world| {
        let now = world.clock.now();
        let pod = render(world, &node, &manifest, now);
        world.update(|s| {
            let key = key(&node, &manifest.name);
            let same = s.api.get(&key).is_some_and(|p| {
                p["metadata"]["annotations"]["kubernetes.io/config.hash"] == manifest.hash.as_str()
            });
            if !same {
                // Another hash is another pod: the old mirror is deleted, not changed.
                s.api.delete(&key);
                s.api.put(key, pod);
            }
        });
    });
}

fn render(world: &World, node: &str, manifest: &Manifest, now: jiff::Timestamp) -> Value {
    let name = format!("{}-{node}", manifest.name);
    let mut pod =
        cast::object("v1", "Pod", "kube-system", &name, manifest.pod["metadata"]["labels"].clone(), now);
    let mut marks = manifest.pod["metadata"]["annotations"].as_object().cloned().unwrap_or_default();
    let seen = seconds(now);
    for (key, value) in [
        ("hash", manifest.hash.as_str()),
        ("mirror", manifest.hash.as_str()),
        ("seen", &seen),
        ("source", "file"),
    ] {
        marks.insert(format!("kubernetes.io/config.{key}"), json!(value));
    }
    pod["metadata"]["annotations"] = json!(marks);
    pod["metadata"]["ownerReferences"] = json!([{"apiVersion": "v1", "controller": true, "kind": "Node", "name": node,
        "uid": world.lock().api.get(&Key::node(node)).map(|n| n["metadata"]["uid"].clone())}]);
    pod["spec"] = manifest.pod["spec"].clone();
    pod["spec"]["nodeName"] = json!(node);
    pod["spec"]["restartPolicy"] = json!("Always");
    pod["status"] = json!({"phase": "Pending", "startTime": seconds(now)});
    pod
}

/// What the newest container of this hash shows.
pub fn report(world: &Arc<World>, node: &str, manifest: &Manifest) {
    let (node, manifest) = (node.to_string(), manifest.clone());
    when_up(world, &node.clone(), REPORT, move |world| {
        world.update(|s| {
            let n = s.node(&node);
            let Some(c) = n.container(&manifest.name).filter(|c| c.hash == manifest.hash).cloned() else { return };
            let (ip, ready) = (n.ip.clone(), c.running() && (manifest.name != "kube-apiserver" || c.listening));
            let spec = manifest.pod["spec"].clone();
            s.api.change(&key(&node, &manifest.name), |pod| {
                if pod["metadata"]["annotations"]["kubernetes.io/config.hash"] != manifest.hash.as_str() {
                    return;
                }
                let mut status = pods::running(&spec, &ip, c.created);
                mark_ready(&mut status, ready);
                let shown = &mut status["containerStatuses"][0];
                shown["restartCount"] = json!(c.attempt);
                shown["containerID"] = json!(format!("containerd://{}", c.id));
                if let (Some(at), Some(exit)) = (c.finished, c.exit) {
                    shown["started"] = json!(false);
                    shown["state"] = json!({"waiting": {"reason": "CrashLoopBackOff", "message":
                        format!("back-off restarting failed container={0} pod={0}-{node}_kube-system({1})", manifest.name, manifest.hash)}});
                    shown["lastState"] = json!({"terminated": {"exitCode": exit, "reason": "Error",
                        "containerID": format!("containerd://{}", c.id),
                        "startedAt": seconds(c.created), "finishedAt": seconds(at)}});
                }
                pod["status"] = status;
            });
        });
    });
}

fn mark_ready(status: &mut Value, ready: bool) {
    status["containerStatuses"][0]["ready"] = json!(ready);
    for c in status["conditions"].as_array_mut().into_iter().flatten() {
        if c["type"] == "Ready" || c["type"] == "ContainersReady" {
            c["status"] = json!(if ready { "True" } else { "False" });
        }
    }
}

pub fn remove(world: &Arc<World>, node: &str, name: &str) {
    let key = key(node, name);
    when_up(world, node, PUBLISH, move |world| {
        world.update(|s| s.api.delete(&key));
    });
}
