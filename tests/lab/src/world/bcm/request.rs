//! A provisioning request from its begin to its end: who serves it, what it copies, what the log says.

use super::super::core::World;
use super::sync::{Mode, SyncLog};
use crate::doubles::HEAD;
use crate::objects::names;
use jiff::SignedDuration;
use std::sync::Arc;
use std::time::Duration;

const WAITS: &str = "waiting for provisioning to '/' to start";
pub(super) const LOCKED: &str = "requested software image is locked, request deferred";

/// CMDaemon tries a failed transfer so many times more (bcm-2.md 5.1), after some seconds each.
const RETRIES: u32 = 5;
const AGAIN: Duration = Duration::from_secs(10);

/// rsync's code of a partial transfer, and where the other side does not answer.
const PARTIAL: i32 = 23;
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

/// A request that is not at its end.
#[derive(Debug, Clone)]
pub struct Request {
    pub device: String,
    pub image: String,
    pub dry_run: bool,
    pub asked: jiff::Timestamp,
    /// Who serves it; `None` while it waits.
    pub source: Option<String>,
    /// Attempts that failed, and the last one's text.
    pub failures: u32,
    pub error: String,
}

/// A request is listed until this goes.
struct Listed {
    world: Arc<World>,
    id: String,
}

impl Listed {
    fn change(&self, change: impl FnOnce(&mut Request)) {
        self.world.update(|s| s.bcm.requests.get_mut(&self.id).map(change));
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.world.update(|s| s.bcm.requests.remove(&self.id));
    }
}

impl World {
    /// `imageupdate` of one device.
    pub async fn provision(self: &Arc<Self>, device: &str, write: bool) -> Ended {
        match self.ask(device, write) {
            Some(id) => self.serve(id).await,
            None => Ended::Failed(format!("{device} has no software image")),
        }
    }

    /// A new request's UUID; `None` where the device has no image.
    pub fn ask(&self, device: &str, write: bool) -> Option<String> {
        let asked = self.clock.now();
        self.update(|s| {
            s.bcm.failed.remove(device);
            let (image, _) = s.bcm.image_of(device)?;
            let id = names::uid(&format!("request {}", s.serial()));
            let (device, error) = (device.to_string(), String::new());
            let request = Request { device, image, dry_run: !write, asked, source: None, failures: 0, error };
            s.bcm.requests.insert(id.clone(), request);
            Some(id)
        })
    }

    /// Until it is written, or has failed in all of its attempts.
    pub async fn serve(self: &Arc<Self>, id: String) -> Ended {
        let request = self.lock().bcm.requests.get(&id).cloned();
        let Some(Request { device, image, dry_run, .. }) = request else { return Ended::Lost };
        let listed = Listed { world: self.clone(), id };
        self.unlocked(&device, &image).await;
        self.update_stale_provisioners().await;
        for attempt in 0.. {
            let slot = self.slot(&device, &image).await;
            if self.update(|s| s.bcm.switches.lost_requests.remove(&device)) {
                return Ended::Lost;
            }
            let mut log = self.begun(&device, &image, &slot, !dry_run);
            listed.change(|r| r.source = Some(log.provisioner.clone()));
            self.update(|s| s.bcm.syncs.insert(device.clone(), log.clone()));
            if self.lock().bcm.switches.endless.contains(&device) {
                std::future::pending::<()>().await;
            }
            let time = self.shape.timing.sync;
            self.sleep(if dry_run { time / 4 } else { time }).await;
            self.served(&device, &image, &slot, &mut log);
            drop(slot);
            let ended = log.ended_text();
            self.update(|s| s.bcm.syncs.insert(device.clone(), log.clone()));
            self.write_log(&log);
            match log.code {
                Some(0) => return Ended::Completed(ended),
                _ if attempt == RETRIES => {
                    self.update(|s| s.bcm.failed.insert(device.clone(), ended.clone()));
                    return Ended::Failed(ended);
                }
                _ => listed.change(|r| (r.source, r.failures, r.error) = (None, r.failures + 1, ended)),
            }
            self.update(|s| s.bcm.waiting.insert(device.clone(), WAITS.into()));
            self.sleep(AGAIN).await;
        }
        Ended::Lost
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
            self.update(|s| s.bcm.waiting.insert(device.into(), WAITS.into()));
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
        let fails_now = self.update(|s| {
            let left = s.bcm.switches.failing_attempts.get_mut(device).filter(|left| **left > 0);
            left.map(|left| *left -= 1).is_some()
        });
        let (empty, code, copy) = {
            let s = self.lock();
            let b = &s.bcm.switches;
            let provisioner = &s.bcm.provisioners[slot.index];
            // Of a machine that is off rsync gets no answer.
            let off = s.nodes.get(device).is_some_and(|n| n.off);
            let copy = (provisioner.node != HEAD).then(|| provisioner.copies.get(image).cloned()).flatten();
            let failing =
                b.failing_requests.get(device).copied().unwrap_or(if fails_now { PARTIAL } else { 0 });
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
