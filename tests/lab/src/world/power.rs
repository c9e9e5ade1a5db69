//! What happens to a whole node: start, power cut, loss of the agent's memory.

use super::core::World;
use super::effects::What;
use super::firewall::Firewall;
use crate::objects::Key;
use crate::{controllers, kubelet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

impl World {
    /// Starts kubelets and controllers. The World stands still until then.
    pub fn start(self: &Arc<Self>) {
        self.spawn("", controllers::run(self.clone()));
        if self.shape.machines {
            // Theirs start with their processes.
            return;
        }
        let nodes: Vec<String> = self.shape.nodes().cloned().collect();
        nodes.iter().for_each(|node| kubelet::adopt(self, node));
        nodes.iter().for_each(|node| kubelet::start(self, node));
    }

    /// Power off and on: unsynced data, processes, units and containers are gone, the boot id is another. The kubelet comes back after
    /// a boot; the caller starts its agent. Hosts made before are dead.
    pub fn power_cut(self: &Arc<Self>, node: &str) {
        self.power_off(node);
        let gets_image = self.has_node(node) && self.shape.images;
        let waits = gets_image && self.waits_at_boot(node);
        if !waits {
            self.installed(node, gets_image);
        }
        let (world, name) = (self.clone(), node.to_string());
        self.spawn(node, async move {
            if waits {
                while world.waits_at_boot(&name) {
                    world.sleep(Duration::from_secs(1)).await;
                }
                world.installed(&name, true);
            }
            world.sleep(Duration::from_secs(15)).await;
            world.update(|s| s.etcds_mut().for_each(|e| e.up(&name)));
            world.sleep(world.shape.timing.boot.saturating_sub(Duration::from_secs(15))).await;
            kubelet::boot(&world, &name);
        });
    }

    /// The node installer is over.
    fn installed(&self, node: &str, gets_image: bool) {
        self.update(|s| s.node_mut(node).off = false);
        if gets_image {
            self.sync_at_boot(node);
        }
    }

    /// The same, and the machine stays off.
    pub fn power_off(self: &Arc<Self>, node: &str) {
        self.abort(|n, _| n == node);
        self.disk(node).power_cut();
        self.update(|s| {
            let fresh = format!("boot-{node}-{}", s.serial());
            let n = s.node_mut(node);
            n.generation += 1;
            n.off = true;
            n.boot = fresh;
            n.dpkg_lock = None;
            n.units.clear();
            // Rules of nftables are the kernel's memory.
            n.firewall = Firewall::default();
            n.kubelet.running = None;
            n.kubelet.ready = false;
            n.kubelet.since_boot = false;
            n.containers.clear();
            n.holders.clear();
            s.etcds_mut().for_each(|e| e.down(node));
        });
        self.write_boot_id(node);
        self.record(node, What::PowerCut, None);
    }

    /// The kubelet ends for good: the node is Unknown, as its controller says it some time after.
    pub fn stop_kubelet(&self, node: &str) {
        self.update(|s| {
            let n = s.node_mut(node);
            (n.kubelet.running, n.kubelet.ready) = (None, false);
        });
        kubelet::set_condition(
            self,
            node,
            "Unknown",
            "NodeStatusUnknown",
            "Kubelet stopped posting node status.",
        );
    }

    /// `kubectl delete node`, and what the garbage collector of pods makes of it. The machine runs on; its kubelet would register the node again
    /// only after a restart.
    pub fn delete_node(&self, node: &str) {
        self.update(|s| {
            let pods: Vec<Key> = s.api.pods_on(node).map(|(key, _)| key.clone()).collect();
            s.api.delete(&Key::node(node));
            pods.iter().for_each(|pod| drop(s.api.delete(pod)));
        });
    }

    /// No API server is reachable for so many lab seconds.
    pub fn api_away(self: &Arc<Self>, time: Duration) {
        self.update(|s| s.api_away = true);
        let world = self.clone();
        self.spawn("", async move {
            world.sleep(time).await;
            world.update(|s| s.api_away = false);
        });
    }

    /// The agent's memory is gone (a disk image was put back, say); the machine runs on.
    pub fn lose_state(&self, node: &str) {
        let disk = self.disk(node);
        // Nothing there is nothing to lose.
        disk.remove(Path::new("/var/lib/podlift")).ok();
    }

    pub(in crate::world) fn write_boot_id(&self, node: &str) {
        if self.shape.machines {
            return;
        }
        let boot = self.lock().node(node).boot.clone();
        let disk = self.disk(node);
        let path = Path::new("/proc/sys/kernel/random/boot_id");
        disk.put_synced(path, format!("{boot}\n").as_bytes(), 0o444).ok();
    }
}
