//! The copy itself: everything on the node becomes the image's, but for what the lists of this mode exclude; and its log.

use super::super::core::World;
use super::super::effects::What;
use super::super::machines::MACHINE_ID;
use super::build::PASSIVE;
use super::content::{Content, STATUS, files};
use super::pattern::Patterns;
use crate::disk::Disk;
use crate::doubles::HEAD;
use jiff::tz::{Offset, TimeZone};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Update,
    /// At a boot.
    Sync,
    Full,
}

impl Mode {
    pub fn word(self) -> &'static str {
        match self {
            Mode::Update => "UPDATE",
            Mode::Sync => "SYNC",
            Mode::Full => "FULL",
        }
    }
}

#[derive(Debug, Clone)]
pub struct SyncLog {
    pub device: String,
    /// Of the image.
    pub path: String,
    pub provisioner: String,
    pub began: jiff::Timestamp,
    pub ended: Option<jiff::Timestamp>,
    pub mode: Mode,
    pub dry_run: bool,
    pub lines: Vec<String>,
    /// rsync's.
    pub code: Option<i32>,
}

pub fn log_path(device: &str) -> String {
    format!("/var/spool/cmd/{device}rsync")
}

impl SyncLog {
    pub fn ended_text(&self) -> String {
        match self.code {
            Some(0) => format!("Provisioning completed: sent {}", self.event()),
            code => format!("Provisioning failed: {} (rsync exit code {})", self.event(), code.unwrap_or(-1)),
        }
    }

    fn event(&self) -> String {
        let Self { provisioner, path, device, .. } = self;
        let dry = if self.dry_run { "yes" } else { "no" };
        format!("{provisioner}:{path} to {device}:/, mode {}, dry run = {dry}", self.mode.word())
    }

    /// As `synclog` prints it.
    pub fn text(&self, zone: &(String, i8)) -> String {
        let at = |t: jiff::Timestamp| {
            let zoned = t.to_zoned(TimeZone::fixed(Offset::constant(zone.1)));
            format!("{} {}", zoned.strftime("%a, %d %b %Y %H:%M:%S"), zone.0)
        };
        let mode = self.mode.word();
        let mut text = format!(
            "{} - Starting rsync daemon based provisioning. Mode is {mode}.\n\nsending incremental file list\n",
            at(self.began)
        );
        self.lines.iter().for_each(|line| text += &format!("{line}\n"));
        match (self.ended, self.code) {
            (Some(ended), Some(0)) => {
                let dry = if self.dry_run { " (DRY RUN)" } else { "" };
                text += &format!(
                    "\nsent 2258383 bytes  received 6989 bytes  156232.55 bytes/sec\ntotal size is 1797091769  speedup is 793.29{dry}\n\n\
                     {} - Rsync completed.\n",
                    at(ended)
                );
            }
            (Some(_), Some(code)) => {
                text += &format!(
                    "rsync error: some files/attrs were not transferred (see previous errors) (code {code}) at main.c(1207) [sender=3.2.3]\n"
                );
            }
            _ => {}
        }
        text
    }
}

/// Of the kernel, in no copy.
const VIRTUAL: [&str; 3] = ["/proc", "/sys", "/dev"];

fn is_virtual(path: &Path) -> bool {
    VIRTUAL.iter().any(|v| path.starts_with(v))
}

struct Change {
    path: PathBuf,
    /// None: it goes.
    to: Option<(Vec<u8>, u32)>,
}

impl Change {
    /// As rsync's log names it.
    fn line(&self) -> String {
        let path = self.path.to_string_lossy().trim_start_matches('/').to_string();
        if self.to.is_some() { path } else { format!("deleting {path}") }
    }
}

impl World {
    /// Makes a node equal to an image, or says what would change. Returns the lines of the log.
    pub(super) fn lay(
        &self,
        device: &str,
        image: &str,
        content: &Content,
        mode: Mode,
        dry_run: bool,
    ) -> Vec<String> {
        if !self.has_node(device) {
            return vec![];
        }
        let list = match mode {
            Mode::Update => "update",
            Mode::Sync => "sync",
            Mode::Full => "full",
        };
        let patterns = Patterns::of(self.lock().excludes(device, list));
        let disk = self.disk(device);
        let changes = changes(disk.as_ref(), content, &patterns);
        let lines: Vec<String> = changes.iter().map(Change::line).collect();
        if dry_run {
            return lines;
        }
        for change in changes {
            let written = match change.to {
                Some((bytes, mode)) => disk.put_synced(&change.path, &bytes, mode),
                None => disk.remove(&change.path),
            };
            // Gone meanwhile is gone.
            written.ok();
        }
        self.packages_came(device, image, content, mode, &patterns);
        self.data_went(device, &patterns);
        lines
    }

    /// dpkg's record is a file like others.
    fn packages_came(&self, device: &str, image: &str, content: &Content, mode: Mode, patterns: &Patterns) {
        let mut wrote = vec![];
        if !patterns.keeps(Path::new(STATUS)) {
            wrote = self.update(|s| {
                let old = std::mem::replace(&mut s.node_mut(device).packages, content.packages.clone());
                let new = content.packages.iter().map(|(name, p)| (name.clone(), p.version.clone()));
                new.filter(|(name, version)| old.get(name).is_none_or(|o| o.version != *version))
                    .collect::<Vec<(String, String)>>()
            });
        }
        let mode = mode.word().to_string();
        let text = wrote.iter().map(|(package, version)| format!("{package}={version}")).collect();
        self.record(device, What::Synced { image: image.into(), mode, wrote: text }, None);
        for (package, version) in wrote {
            self.record(device, What::PackageInstall { package, version }, None);
        }
    }

    /// Data of containers and of etcd that no list covers; a machine without an id gets a new one at its next look.
    fn data_went(&self, device: &str, patterns: &Patterns) {
        let open = |path: &str| !patterns.keeps(Path::new(path));
        if open("/var/lib/containerd/x") {
            self.update(|s| s.node_mut(device).images.clear());
        }
        if open("/var/lib/etcd/member") {
            self.update(|s| s.etcds_mut().for_each(|e| e.down(device)));
        }
        let disk = self.disk(device);
        if disk.text(MACHINE_ID).trim().is_empty() {
            let machine = self.fresh_machine();
            disk.put_synced(Path::new(MACHINE_ID), format!("{machine}\n").as_bytes(), 0o444).ok();
            self.update(|s| s.node_mut(device).machine = machine);
        }
    }

    /// What the node installer does at a boot: SYNC from the head, or FULL where a switch says that its disk check fails.
    pub(in super::super) fn sync_at_boot(&self, device: &str) {
        let (image, full) = {
            let mut s = self.lock();
            let keeps = s.bcm.switches.reboot_keeps || !s.bcm.devices.contains_key(device);
            let full = s.bcm.switches.full.remove(device);
            (s.bcm.image_of(device).filter(|_| !keeps).map(|(image, _)| image), full)
        };
        let Some(image) = image else { return };
        let Some((provisioner, content)) = self.at_boot(&image) else { return };
        let (mode, now) = (if full { Mode::Full } else { Mode::Sync }, self.clock.now());
        let log = SyncLog {
            device: device.into(),
            path: super::build::path(&image),
            provisioner,
            began: now,
            ended: Some(now),
            mode,
            dry_run: false,
            lines: self.lay(device, &image, &content, mode, false),
            code: Some(0),
        };
        self.write_log(&log);
        self.update(|s| s.bcm.syncs.insert(device.into(), log));
    }

    /// Who sends an image to a node that boots, and what.
    fn at_boot(&self, image: &str) -> Option<(String, Content)> {
        let copy = {
            let s = self.lock();
            let passive =
                s.bcm.provisioners.iter().find(|p| p.node == PASSIVE && s.bcm.switches.boot_by_passive);
            passive.and_then(|p| p.copies.get(image).cloned())
        };
        match copy {
            Some(copy) => Some((PASSIVE.into(), copy)),
            None => Some((HEAD.into(), self.content(image)?)),
        }
    }

    /// Whether a node that boots now waits for its image: a lock holds this request like others (bcm-2.md 5.2).
    pub(in super::super) fn waits_at_boot(&self, device: &str) -> bool {
        let s = self.lock();
        let locked = |(image, _): (String, bool)| s.bcm.images.get(&image).is_some_and(|i| i.locked);
        !s.bcm.switches.reboot_keeps && s.bcm.image_of(device).is_some_and(locked)
    }

    pub(super) fn write_log(&self, log: &SyncLog) {
        let text = log.text(&self.lock().bcm.switches.zone);
        self.disk(HEAD).put_synced(Path::new(&log_path(&log.device)), text.as_bytes(), 0o640).ok();
    }
}

fn changes(disk: &dyn Disk, content: &Content, patterns: &Patterns) -> Vec<Change> {
    let here = files(disk, &|p| is_virtual(p) || patterns.keeps(p));
    let mut all = vec![];
    for path in &here {
        match content.files.get(path) {
            None => all.push(Change { path: path.clone(), to: None }),
            Some(to) if disk.read(path).is_ok_and(|bytes| bytes != to.0) => {
                all.push(Change { path: path.clone(), to: Some(to.clone()) });
            }
            Some(_) => {}
        }
    }
    let here: BTreeSet<&PathBuf> = here.iter().collect();
    let fresh = content.files.iter().filter(|(path, _)| {
        !here.contains(path) && !is_virtual(path) && !patterns.keeps_out(path) && disk.stat(path).is_err()
    });
    all.extend(fresh.map(|(path, to)| Change { path: path.clone(), to: Some(to.clone()) }));
    all
}
