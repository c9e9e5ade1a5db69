//! The power of a machine goes between kubeadm's two renames: the old manifest is away, the new one not there yet.

use crate::fleet::Fleet;
use crate::machine::Machine;
use anyhow::{Context as _, bail};
use podlift_lab::{Effect, Hook, What, World};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use tokio::sync::Notify;

const FILE: &str = "kube-apiserver.yaml";

pub struct PowerCut {
    machine: Arc<Machine>,
    world: Weak<World>,
    /// Whether the manifest was there at that moment.
    hit: Mutex<Option<bool>>,
    cut: Notify,
}

impl PowerCut {
    pub fn arm(fleet: &Fleet, node: &str) -> Arc<Self> {
        let this = Arc::new(Self {
            machine: fleet.machine(node).clone(),
            world: Arc::downgrade(fleet.world()),
            hit: Mutex::default(),
            cut: Notify::new(),
        });
        fleet.world().add_hook(this.clone());
        this
    }

    fn hit(&self) -> std::sync::MutexGuard<'_, Option<bool>> {
        self.hit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for it, and switches the machine on again.
    pub async fn happened(&self, fleet: &Fleet) -> anyhow::Result<String> {
        self.cut.notified().await;
        let name = &self.machine.name;
        let before = fleet.world().lock().node(name).boot.clone();
        self.machine.power_off().await;
        if self.hit().context("nothing was hit")? {
            bail!("{name}: {FILE} was there when the power went");
        }
        self.machine.boot().await?;
        fleet.world().update(|s| s.etcd.up(name));
        let now = self.machine.run(&["cat", "/proc/sys/kernel/random/boot_id"]).await?;
        if now.trim() == before {
            bail!("{name} was not off: its boot id is still {before}");
        }
        Ok(format!("{name}: the power went while {FILE} was away; another boot since then"))
    }
}

impl Hook for PowerCut {
    fn effect(&self, effect: &Effect) {
        let moved = matches!(&effect.what, What::ManifestMovedOut { file } if file == FILE);
        let mut hit = self.hit();
        if !moved || effect.node != self.machine.name || hit.is_some() {
            return;
        }
        self.machine.cut();
        *hit = Some(self.machine.path("/etc/kubernetes/manifests").join(FILE).exists());
        drop(hit);
        if let Some(world) = self.world.upgrade() {
            world.power_off(&self.machine.name);
        }
        self.cut.notify_one();
    }
}
