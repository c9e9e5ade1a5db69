//! The kubelet process and the Node object that it keeps.

use super::devices;
use crate::objects::{Key, seconds};
use crate::world::{What, World};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// A start of the binary that is installed now; Ready a few seconds later.
fn started(world: &Arc<World>, node: &str) {
    if world.shape.images && !configured(world, node) {
        return;
    }
    let fresh = world.update(|s| {
        let n = s.node_mut(node);
        let version = n.package_version("kubelet");
        let fresh = n.kubelet.running.is_none();
        n.kubelet.runs(version);
        fresh
    });
    if !fresh {
        return;
    }
    let (world, node) = (world.clone(), node.to_string());
    let at = node.clone();
    world.clone().spawn(&at, async move {
        world.sleep(Duration::from_secs(4)).await;
        world.until(|s| !s.fronts().is_empty()).await;
        post(&world, &node, true);
    });
}

/// A sync that no list kept from these took them away: the kubelet ends at its start.
fn configured(world: &World, node: &str) -> bool {
    let disk = world.disk(node);
    ["/etc/kubernetes/kubelet.conf", "/var/lib/kubelet/config.yaml"].iter().all(|path| disk.exists(path))
}

/// `systemctl restart kubelet`: containers keep running. The job is systemd's: it continues when its caller is gone.
pub async fn restart(world: &Arc<World>, node: &str, op: Option<String>) {
    let (done, ended) = tokio::sync::oneshot::channel();
    let (job, name) = (world.clone(), node.to_string());
    world.spawn(node, async move {
        restart_job(&job, &name, op).await;
        // The caller may be gone.
        done.send(()).ok();
    });
    ended.await.ok();
}

async fn restart_job(world: &Arc<World>, node: &str, op: Option<String>) {
    world.update(|s| {
        let n = s.node_mut(node);
        n.kubelet.running = None;
        n.kubelet.restarts += 1;
        n.kubelet.ready = false;
    });
    if !world.lock().fronts().is_empty() {
        let message = "container runtime status check may not have completed yet";
        set_ready(world, node, false, "KubeletNotReady", message);
    }
    world.sleep(Duration::from_secs(1)).await;
    started(world, node);
    world.record(node, What::KubeletRestart { version: running(world, node) }, op);
}

/// The start of the kubelet at a boot.
pub fn booted(world: &Arc<World>, node: &str) {
    started(world, node);
    world.record(node, What::KubeletBoot { version: running(world, node) }, None);
}

fn running(world: &World, node: &str) -> String {
    world.lock().node(node).kubelet.running.map(|v| v.to_string()).unwrap_or_default()
}

/// Registers what the process knows of itself and sets Ready.
pub(super) fn post(world: &Arc<World>, node: &str, ready: bool) {
    world.update(|s| {
        let n = s.node_mut(node);
        let Some(version) = n.kubelet.running else { return };
        n.kubelet.ready = ready;
        let (boot, machine) = (n.boot.clone(), n.machine.clone());
        s.api.change(&Key::node(node), |v| {
            v["status"]["nodeInfo"]["kubeletVersion"] = json!(version.to_string());
            v["status"]["nodeInfo"]["kubeProxyVersion"] = json!(version.to_string());
            v["status"]["nodeInfo"]["bootID"] = json!(boot);
            v["status"]["nodeInfo"]["machineID"] = json!(machine);
        });
    });
    devices::wait_for_plugin(world, node);
    set_ready(world, node, ready, "KubeletReady", "kubelet is posting ready status");
}

pub fn set_ready(world: &Arc<World>, node: &str, ready: bool, reason: &str, message: &str) {
    let status = if ready { "True" } else { "False" };
    set_condition(world, node, status, reason, message);
}

pub fn set_condition(world: &World, node: &str, status: &str, reason: &str, message: &str) {
    let now = seconds(world.clock.now());
    world.update(|s| {
        s.api.change(&Key::node(node), |v| {
            for c in v["status"]["conditions"].as_array_mut().into_iter().flatten() {
                if c["type"] == "Ready" && c["status"] != status {
                    *c = condition(status, reason, message, &now);
                }
            }
        });
    });
}

fn condition(status: &str, reason: &str, message: &str, at: &str) -> Value {
    json!({"type": "Ready", "status": status, "reason": reason, "message": message,
        "lastHeartbeatTime": at, "lastTransitionTime": at})
}
