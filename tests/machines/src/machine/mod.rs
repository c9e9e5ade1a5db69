//! One machine: an overlay booted by systemd-nspawn, commands in it, power off and on.

mod boot;
mod inside;

use crate::cgroup::Cgroup;
use crate::layer::{self, Layer};
use crate::network;
use crate::scratch::{PREFIX, Scratch};
use anyhow::Context as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::process::Child;

/// Where the supervisor's folder is inside.
pub const SHARED: &str = "/run/podlift-lab";

pub struct Machine {
    /// Its host name.
    pub name: String,
    pub address: String,
    /// Unique on this machine.
    unique: String,
    layer: Layer,
    shared: PathBuf,
    console: PathBuf,
    /// More arguments of nspawn.
    extra: Vec<String>,
    cgroup: Cgroup,
    running: Mutex<Option<Running>>,
}

struct Running {
    nspawn: Child,
    init: i32,
}

impl Machine {
    /// Made, not booted.
    pub async fn new(
        scratch: &Scratch,
        name: &str,
        address: &str,
        below: Vec<PathBuf>,
        extra: &[&str],
    ) -> anyhow::Result<Self> {
        let layer = Layer::mount(scratch.at(&format!("machines/{name}")), below).await?;
        let root = layer.root();
        layer::write(&root.join("etc/hostname"), format!("{name}\n"), 0o644)?;
        let unit = root.join("etc/systemd/system/lab-network.service");
        layer::write(&unit, network::unit(address), 0o644)?;
        enable(&root, "sysinit.target", "lab-network.service")?;
        Ok(Self {
            name: name.into(),
            address: address.into(),
            unique: format!("{}-{name}", scratch.name().trim_start_matches(PREFIX)),
            shared: scratch.make_dir("shared")?,
            console: scratch.at(&format!("machines/{name}/console.log")),
            extra: extra.iter().map(ToString::to_string).collect(),
            cgroup: Cgroup::make(&format!("{}-{name}", scratch.name()))?,
            layer,
            running: Mutex::default(),
        })
    }

    pub fn root(&self) -> PathBuf {
        self.layer.root()
    }

    pub fn layer(&self) -> &Layer {
        &self.layer
    }

    /// A file of it by its path inside.
    pub fn path(&self, inside: &str) -> PathBuf {
        self.root().join(inside.trim_start_matches('/'))
    }

    pub fn write(&self, inside: &str, text: impl AsRef<[u8]>, mode: u32) -> anyhow::Result<()> {
        layer::write(&self.path(inside), text, mode)
    }

    /// Empty where there is none.
    pub fn text(&self, inside: &str) -> String {
        let bytes = std::fs::read(self.path(inside)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The machine's init by its number on this machine.
    pub fn init(&self) -> Option<i32> {
        self.running().as_ref().map(|r| r.init)
    }

    /// Its name among all machines of this machine.
    pub fn unique(&self) -> &str {
        &self.unique
    }
}

/// As `systemctl enable` would do it in a tree that is not booted, for a unit of this tier.
pub fn enable(root: &Path, target: &str, unit: &str) -> anyhow::Result<()> {
    link(root, target, unit, "/etc/systemd/system")
}

/// The same for a unit that a package brought.
pub fn enable_packaged(root: &Path, target: &str, unit: &str) -> anyhow::Result<()> {
    link(root, target, unit, "/lib/systemd/system")
}

fn link(root: &Path, target: &str, unit: &str, folder: &str) -> anyhow::Result<()> {
    let wants = root.join("etc/systemd/system").join(format!("{target}.wants"));
    std::fs::create_dir_all(&wants)?;
    let link = wants.join(unit);
    std::fs::remove_file(&link).ok();
    let at = format!("{folder}/{unit}");
    std::os::unix::fs::symlink(at, &link).with_context(|| link.display().to_string())
}
