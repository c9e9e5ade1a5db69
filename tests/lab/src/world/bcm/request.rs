//! A provisioning request from its begin to its end: who serves it, what it copies, what the log says.

use super::super::core::World;
use super::sync::{Mode, SyncLog};
use crate::doubles::HEAD;
use jiff::SignedDuration;
use std::sync::Arc;

const LOCKED: &str = "requested software image is locked, request deferred";

/// rsync's code where the other side does not answer.
const NO_ANSWER: i32 = 12;

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// The event's text.
    Completed(String),
    Failed(String),
    /// The request is gone, and no event says anything.
    Lost,
}

struct Slot {
    world: Arc<World>,
    index: usize,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let index = self.index;
        self.world.update(|s| {
            let p = &mut s.bcm.provisioners[index];
            p.in_use = p.in_use.saturating_sub(1);
        });
    }
}

impl World {
    /// `imageupdate` of one device.
    pub async fn provision(self: &Arc<Self>, device: &str, write: bool) -> Ended {
        self.update(|s| s.bcm.failed.remove(device));
        let Some((image, _)) = self.lock().bcm.image_of(device) else {
            return Ended::Failed(format!("{device} has no software image"));
        };
        self.unlocked(device, &image).await;
        self.update_stale_provisioners().await;
        let slot = self.slot(device, &image).await;
        if self.update(|s| s.bcm.switches.lost_requests.remove(device)) {
            return Ended::Lost;
        }
        let mut log = self.begun(device, &image, &slot, write);
        self.update(|s| s.bcm.syncs.insert(device.into(), log.clone()));
        if self.lock().bcm.switches.endless.contains(device) {
            std::future::pending::<()>().await;
        }
        let time = self.shape.timing.sync;
        self.sleep(if write { time } else { time / 4 }).await;
        self.served(device, &image, &slot, &mut log);
        let ended = log.ended_text();
        self.update(|s| s.bcm.syncs.insert(device.into(), log.clone()));
        self.write_log(&log);
        match log.code {
            Some(0) => Ended::Completed(ended),
            _ => {
                self.update(|s| s.bcm.failed.insert(device.into(), ended.clone()));
                Ended::Failed(ended)
            }
        }
    }

    async fn unlocked(&self, device: &str, image: &str) {
        let locked = |s: &super::super::State| s.bcm.images.get(image).is_some_and(|i| i.locked);
        if locked(&self.lock()) {
            self.update(|s| s.bcm.waiting.insert(device.into(), LOCKED.into()));
            self.until(|s| !locked(s)).await;
        }
    }

    async fn slot(self: &Arc<Self>, device: &str, image: &str) -> Slot {
        loop {
            let index = self.update(|s| {
                let index = s.chosen(image)?;
                s.bcm.provisioners[index].in_use += 1;
                s.bcm.waiting.remove(device);
                Some(index)
            });
            if let Some(index) = index {
                return Slot { world: self.clone(), index };
            }
            let waits = "waiting for provisioning to '/' to start".to_string();
            self.update(|s| s.bcm.waiting.insert(device.into(), waits));
            self.until(|s| s.chosen(image).is_some()).await;
        }
    }

    fn begun(&self, device: &str, image: &str, slot: &Slot, write: bool) -> SyncLog {
        let now = self.clock.now();
        self.update(|s| {
            // A log's time has whole seconds, and in a lab two requests fit into one.
            let after = s.bcm.syncs.get(device).map(|last| last.began + SignedDuration::from_secs(1));
            // A dry run tells of it, and leaves it to the update.
            let full = &mut s.bcm.switches.full;
            let full = if write { full.remove(device) } else { full.contains(device) };
            SyncLog {
                device: device.into(),
                path: super::build::path(image),
                provisioner: s.bcm.provisioners[slot.index].node.clone(),
                began: after.map_or(now, |after| after.max(now)),
                ended: None,
                mode: if full { Mode::Full } else { Mode::Update },
                dry_run: !write,
                lines: vec![],
                code: None,
            }
        })
    }

    fn served(&self, device: &str, image: &str, slot: &Slot, log: &mut SyncLog) {
        let (empty, code, copy) = {
            let s = self.lock();
            let b = &s.bcm.switches;
            let provisioner = &s.bcm.provisioners[slot.index];
            // Of a machine that is off rsync gets no answer.
            let off = s.nodes.get(device).is_some_and(|n| n.off);
            let copy = (provisioner.node != HEAD).then(|| provisioner.copies.get(image).cloned()).flatten();
            let failing = b.failing_requests.get(device).copied().unwrap_or(0);
            (b.empty_syncs.contains(device), if off { NO_ANSWER } else { failing }, copy)
        };
        log.ended = Some(self.clock.now());
        log.code = Some(code);
        if empty || code != 0 {
            return;
        }
        let content = copy.or_else(|| self.content(image)).unwrap_or_default();
        log.lines = self.lay(device, image, &content, log.mode, log.dry_run);
    }
}
