//! Answers of BCM of which the facts are not sure, or which are failures: each is a switch, and both answers are tested.

use super::super::core::World;
use std::collections::{BTreeMap, BTreeSet};

/// What cmsh does with a command that a lie hits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lie {
    /// The text on stdout, exit code 0, nothing done.
    Says(String),
    /// The text on stderr, exit code 1, nothing done.
    Refuses(String),
    /// Exit code 0, no word, nothing done.
    Nothing,
    /// It never ends.
    Silent,
    /// All of it is done, and cmsh exits 1 with the text.
    DoneAndRefuses(String),
}

#[derive(Debug, Clone, Default)]
pub struct Lies(Vec<(String, Lie, u32)>);

impl Lies {
    /// One use of the first that is part of this command.
    pub fn take(&mut self, command: &str) -> Option<Lie> {
        let (_, lie, left) = self.0.iter_mut().find(|(part, _, left)| *left > 0 && command.contains(part))?;
        *left -= 1;
        Some(lie.clone())
    }
}

#[derive(Debug, Clone)]
pub struct Switches {
    pub lies: Lies,
    /// Events that are printed between the lines of an answer where they are not hidden.
    pub events: Vec<String>,
    /// Values are coloured where cmsh is not told otherwise.
    pub colors: bool,
    /// `provisioningstatus` in its second layout, which names the images that are up to date.
    pub second_layout: bool,
    /// So many of the next ramdisk tasks fail.
    pub failing_tasks: u32,
    /// A session in an image leaves its mounts behind.
    pub mounts_left: bool,
    /// A session in an image leaves a process behind.
    pub process_left: bool,
    /// Role snippets cover Kubernetes' paths.
    pub kubernetes_covered: bool,
    /// A snippet covers podlift's own paths and the machine id.
    pub own_covered: bool,
    /// More patterns of these devices, in all lists.
    pub more_excludes: BTreeMap<String, Vec<String>>,
    /// Devices whose request disappears: nothing is copied, nothing fails.
    pub lost_requests: BTreeSet<String>,
    /// Devices whose request fails in each attempt, with rsync's exit code.
    pub failing_requests: BTreeMap<String, i32>,
    /// Devices of whose requests so many of the next attempts fail: CMDaemon tries again by itself.
    pub failing_attempts: BTreeMap<String, u32>,
    /// A request that failed has no event and no other word of imageupdate than one that ended well.
    pub quiet_failures: bool,
    /// A locked image is not sent to provisioners either.
    pub lock_holds_provisioners: bool,
    /// At a boot the passive head sends its copy of the image, which may be an old one.
    pub boot_by_passive: bool,
    /// Role snippets cover Kubernetes' paths for `update` and not for `sync`.
    pub sync_uncovered: bool,
    /// After a failover the new active head has the images on its own disk, as they were when it last got them.
    pub heads_differ: bool,
    /// Services, and calls as `SERVICE.CALL`, that the profile of the API's client certificate may not use.
    pub restricted: BTreeSet<String>,
    /// Devices whose next sync is FULL.
    pub full: BTreeSet<String>,
    /// Devices whose next sync says COMPLETED and copies nothing.
    pub empty_syncs: BTreeSet<String>,
    /// Devices whose sync never ends.
    pub endless: BTreeSet<String>,
    /// A provisioner never gets an image, and says nothing of it.
    pub deaf_provisioners: BTreeSet<String>,
    /// Provisioners count as updated a moment ago, whatever happened: imageupdate never updates them by itself.
    pub always_fresh: bool,
    /// A node that boots keeps its disk as it is.
    pub reboot_keeps: bool,
    /// There is no cm-kubeadm-manage.
    pub no_kubeadm_manage: bool,
    /// `set version` is committed, and the old one stays.
    pub version_stays: bool,
    /// Time zone of a sync log: name and hours.
    pub zone: (String, i8),
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            lies: Lies::default(),
            events: vec![],
            colors: false,
            second_layout: false,
            failing_tasks: 0,
            mounts_left: false,
            process_left: false,
            kubernetes_covered: true,
            own_covered: true,
            more_excludes: BTreeMap::new(),
            lost_requests: BTreeSet::new(),
            failing_requests: BTreeMap::new(),
            failing_attempts: BTreeMap::new(),
            quiet_failures: false,
            lock_holds_provisioners: false,
            boot_by_passive: false,
            sync_uncovered: false,
            heads_differ: false,
            restricted: BTreeSet::new(),
            full: BTreeSet::new(),
            empty_syncs: BTreeSet::new(),
            endless: BTreeSet::new(),
            deaf_provisioners: BTreeSet::new(),
            always_fresh: false,
            reboot_keeps: false,
            no_kubeadm_manage: false,
            version_stays: false,
            zone: ("UTC".into(), 0),
        }
    }
}

impl World {
    /// Changes switches of BCM.
    pub fn bcm(&self, change: impl FnOnce(&mut Switches)) {
        self.update(|s| change(&mut s.bcm.switches));
    }

    /// cmsh lies so many times about commands with this part.
    pub fn cmsh_lies(&self, part: &str, lie: Lie, times: u32) {
        self.bcm(|b| b.lies.0.push((part.into(), lie, times)));
    }

    /// Sets an image's lock as a person does it.
    pub fn lock_image(&self, image: &str, locked: bool) {
        self.update(|s| s.bcm.images.get_mut(image).map(|i| i.locked = locked));
    }
}
