//! Slots of the fleet's provisioners: an imageupdate takes one, and waits in BCM's queue where none is free.

use podlift_coordinator::testing::Fleet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::sync::Notify;

pub struct Slots {
    fleet: Arc<Fleet>,
    freed: Notify,
    /// Asked for and not over.
    open: AtomicU32,
    most: AtomicU32,
}

/// Given back when it is dropped. None: the fleet has no provisioners.
pub struct Slot<'a> {
    slots: &'a Slots,
    index: Option<usize>,
}

impl Slots {
    pub fn new(fleet: Arc<Fleet>) -> Self {
        Self { fleet, freed: Notify::new(), open: AtomicU32::new(0), most: AtomicU32::new(0) }
    }

    pub fn most(&self) -> u32 {
        self.most.load(Ordering::Relaxed)
    }

    pub async fn take(&self) -> Slot<'_> {
        let open = self.open.fetch_add(1, Ordering::Relaxed) + 1;
        self.most.fetch_max(open, Ordering::Relaxed);
        let mut slot = Slot { slots: self, index: None };
        loop {
            let freed = self.freed.notified();
            slot.index = self.free();
            if slot.index.is_some() || self.fleet.lock().site.is_none() {
                return slot;
            }
            freed.await;
        }
    }

    fn free(&self) -> Option<usize> {
        let mut s = self.fleet.lock();
        let all = &mut s.site.as_mut()?.provisioning.provisioners;
        let index =
            (0..all.len()).filter(|i| all[*i].in_use < all[*i].slots).min_by_key(|i| all[*i].in_use)?;
        all[index].in_use += 1;
        Some(index)
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.slots.open.fetch_sub(1, Ordering::Relaxed);
        let mut s = self.slots.fleet.lock();
        if let Some((site, index)) = s.site.as_mut().zip(self.index) {
            site.provisioning.provisioners[index].in_use -= 1;
        }
        drop(s);
        self.slots.freed.notify_waiters();
    }
}
