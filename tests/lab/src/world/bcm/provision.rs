//! Provisioners: the active head has the images themselves, the others have copies, which are as old as their last update. Being up to date is
//! CMDaemon's book-keeping: it knows nothing of what a shell changed in an image.

use super::super::core::World;
use super::super::effects::What;
use super::super::state::State;
use super::Provisioner;
use super::request::LOCKED;
use crate::doubles::HEAD;
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

/// Before a request an update is not made again within these seconds (`dirtyautoupdatetimeout`).
const FRESH: i64 = 300;

impl Provisioner {
    fn stale(&self, now: Timestamp, factor: u32) -> bool {
        let limit = SignedDuration::from_millis(FRESH * 1000 / i64::from(factor.max(1)));
        self.updated.is_none_or(|at| now.duration_since(at) >= limit)
    }
}

impl State {
    /// Images that a provisioner has as CMDaemon knows them.
    pub fn up_to_date(&self, provisioner: &Provisioner) -> Vec<String> {
        let has = |name: &&String| {
            let known = self.bcm.images[*name].known;
            provisioner.node == HEAD || provisioner.copies.get(*name).is_some_and(|c| c.known >= known)
        };
        self.bcm.images.keys().filter(has).cloned().collect()
    }

    /// Who serves a request for this image: the one with the most free slots that has it, the head itself last.
    pub(super) fn chosen(&self, image: &str) -> Option<usize> {
        let able = |p: &Provisioner| {
            let has = p.node == HEAD || p.copies.contains_key(image);
            has && !p.drained && !p.updating && p.in_use < p.slots
        };
        let all = self.bcm.provisioners.iter().enumerate().filter(|(_, p)| able(p));
        all.max_by_key(|(i, p)| (p.slots - p.in_use, *i)).map(|(i, _)| i)
    }
}

impl World {
    /// At the beginning a provisioner has all images.
    pub(super) fn give_all(&self, provisioner: &str) {
        let names: Vec<String> = self.lock().bcm.images.keys().cloned().collect();
        for image in names {
            self.give(provisioner, &image);
        }
        self.update(|s| s.bcm.provisioners.iter_mut().for_each(|p| p.updated = None));
    }

    fn give(&self, provisioner: &str, image: &str) {
        let Some(content) = self.content(image) else { return };
        let now = self.clock.now();
        self.update(|s| {
            let deaf = s.bcm.switches.deaf_provisioners.contains(provisioner);
            let Some(p) = s.bcm.provisioners.iter_mut().find(|p| p.node == provisioner) else { return };
            p.updated = Some(now);
            if !deaf {
                p.copies.insert(image.into(), content);
            }
        });
    }

    /// Of one image, or of all: each provisioner ends its requests first and serves nobody meanwhile. Returns the events' texts.
    pub async fn update_provisioners(self: &Arc<Self>, only: Option<&str>) -> Vec<String> {
        let others: Vec<String> = {
            let s = self.lock();
            s.bcm.provisioners.iter().filter(|p| p.node != HEAD).map(|p| p.node.clone()).collect()
        };
        let (mut said, mut deferred) = (vec![], vec![]);
        for provisioner in others {
            let (images, held) = self.to_send(only);
            deferred = held;
            let _updating = Updating::begin(self, &provisioner, &images).await;
            self.sleep(self.shape.timing.provisioner).await;
            for image in images {
                self.give(&provisioner, &image);
                let path = super::build::path(&image);
                said.push(format!(
                    "Provisioning completed: sent {HEAD}:{path} to {provisioner}:{path}, mode UPDATE, dry run = no"
                ));
                self.record(&provisioner, What::ProvisionerUpdated { image }, None);
            }
        }
        match deferred.is_empty() {
            true => said.push("Finished updating software image(s) on provisioning node(s).".into()),
            false => said.extend(deferred.iter().map(|image| format!("{image}: {LOCKED}"))),
        }
        deferred.iter().for_each(|image| self.give_when_unlocked(image));
        said
    }

    /// The images that are sent now, and those that their lock holds back: a lock defers requests (bcm-2.md 5.2), and whether the requests of
    /// provisioners are among them the facts do not say.
    fn to_send(&self, only: Option<&str>) -> (Vec<String>, Vec<String>) {
        let s = self.lock();
        let holds = s.bcm.switches.lock_holds_provisioners;
        let wanted = s.bcm.images.iter().filter(|(name, _)| only.is_none_or(|o| o == *name));
        let (held, now): (Vec<_>, Vec<_>) = wanted.partition(|(_, image)| holds && image.locked);
        let names = |list: Vec<(&String, _)>| list.into_iter().map(|(name, _)| name.clone()).collect();
        (names(now), names(held))
    }

    fn give_when_unlocked(self: &Arc<Self>, image: &str) {
        let (world, image) = (self.clone(), image.to_string());
        self.spawn(HEAD, async move {
            world.until(|s| s.bcm.images.get(&image).is_none_or(|i| !i.locked)).await;
            Box::pin(world.update_provisioners(Some(&image))).await;
        });
    }

    /// Whether the image is being sent to a node or to a provisioner: its package managers do not start then (bcm.md 2.1).
    pub fn being_sent(&self, image: &str) -> bool {
        let s = self.lock();
        let to_node = s.bcm.requests.values().any(|r| r.source.is_some() && r.image == image);
        to_node || s.bcm.provisioners.iter().any(|p| p.gets.iter().any(|gets| gets == image))
    }

    pub fn give_in_background(self: &Arc<Self>, image: &str) {
        let (world, image) = (self.clone(), image.to_string());
        self.spawn(HEAD, async move { drop(world.update_provisioners(Some(&image)).await) });
    }

    /// As imageupdate does it by itself first: not where the last update is younger than five minutes.
    pub(super) async fn update_stale_provisioners(self: &Arc<Self>) {
        let now = self.clock.now();
        let stale = {
            let s = self.lock();
            let others = s.bcm.provisioners.iter().filter(|p| p.node != HEAD);
            let fresh = s.bcm.switches.always_fresh;
            !fresh
                && others.clone().any(|p| p.stale(now, self.shape.factor))
                && !others.clone().any(|p| p.updating)
        };
        if stale {
            self.update_provisioners(None).await;
        }
    }

    pub fn drain_provisioner(&self, node: &str, drained: bool) {
        self.update(|s| {
            let all = s.bcm.provisioners.iter_mut().filter(|p| p.node == node);
            all.for_each(|p| p.drained = drained);
        });
    }

    /// Other slots than the usual ten.
    pub fn set_slots(&self, slots: u32) {
        self.update(|s| s.bcm.provisioners.iter_mut().for_each(|p| p.slots = slots));
    }
}

struct Updating {
    world: Arc<World>,
    node: String,
}

impl Updating {
    async fn begin(world: &Arc<World>, node: &str, images: &[String]) -> Self {
        let idle = |p: &Provisioner| p.node == node && (p.in_use > 0 || p.updating);
        loop {
            world.until(|s| !s.bcm.provisioners.iter().any(idle)).await;
            let taken = world.update(|s| {
                let p = s.bcm.provisioners.iter_mut().find(|p| p.node == node);
                p.is_none_or(|p| {
                    let free = p.in_use == 0 && !std::mem::replace(&mut p.updating, true);
                    if free {
                        p.gets = images.to_vec();
                    }
                    free
                })
            });
            if taken {
                return Self { world: world.clone(), node: node.into() };
            }
        }
    }
}

impl Drop for Updating {
    fn drop(&mut self) {
        self.world.update(|s| {
            let all = s.bcm.provisioners.iter_mut().filter(|p| p.node == self.node);
            all.for_each(|p| {
                p.updating = false;
                p.gets.clear();
            });
        });
    }
}
