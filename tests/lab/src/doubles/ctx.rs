//! What a double has: its node, environment, output, and the way to do something that counts. A double of a machine whose power was cut
//! does nothing more.

use crate::disk::Disk;
use crate::world::{What, World};
use podlift_model::KubeVersion;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;

/// The BCM head node: not a node of the cluster.
pub const HEAD: &str = "head-01";

/// Where each piece of output goes as it is said; true: stderr.
pub type Live = UnboundedSender<(String, bool)>;

/// A program of a machine: what it knows of itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Caller {
    /// Version of the package that it came with.
    pub version: KubeVersion,
    /// The service that runs it.
    pub unit: Option<String>,
    /// Of the machine.
    pub boot: String,
}

#[derive(Clone)]
pub struct Ctx {
    pub world: Arc<World>,
    pub node: String,
    pub env: BTreeMap<String, String>,
    /// The transient unit that runs it.
    pub unit: Option<String>,
    pub caller: Option<Caller>,
    generation: u64,
    out: Arc<Out>,
}

#[derive(Default)]
struct Out {
    texts: Mutex<(String, String)>,
    /// Of a unit: the machine and the file to which both streams are appended.
    file: Option<(String, PathBuf)>,
    live: Option<Live>,
}

impl Ctx {
    pub fn new(world: Arc<World>, node: &str, env: BTreeMap<String, String>) -> Self {
        let generation = generation(&world, node);
        Self { world, node: node.into(), env, unit: None, caller: None, generation, out: Arc::default() }
    }

    pub fn for_unit(&self, unit: &str, env: BTreeMap<String, String>, log: Option<PathBuf>) -> Self {
        let file = log.map(|path| (self.node.clone(), path));
        let out = Arc::new(Out { texts: Mutex::default(), file, live: None });
        Self { unit: Some(unit.into()), env, out, ..self.clone() }
    }

    pub fn for_machine(self, caller: Caller, live: Live) -> Self {
        let out = Arc::new(Out { live: Some(live), ..Out::default() });
        Self { unit: caller.unit.clone(), caller: Some(caller), out, ..self }
    }

    /// The same caller in an image, whose path it is.
    pub fn inside(&self, image: &str) -> Self {
        let generation = generation(&self.world, image);
        Self { node: image.into(), generation, ..self.clone() }
    }

    pub fn with_env(&self, name: &str, value: String) -> Self {
        let mut ctx = self.clone();
        ctx.env.insert(name.into(), value);
        ctx
    }

    /// The version of one of Kubernetes' programs: that of the package which is unpacked.
    pub fn version_of(&self, program: &str) -> Option<KubeVersion> {
        let unpacked = self.env.get(super::dpkg::VERSION).and_then(|v| v.parse().ok());
        let own = unpacked.or_else(|| self.caller.as_ref().map(|c| c.version));
        own.or_else(|| self.world.lock().node(&self.node).package_version(program))
    }

    /// A line to stdout.
    pub fn out(&self, line: &str) {
        self.print(&format!("{line}\n"), false);
    }

    /// A line to stderr.
    pub fn err(&self, line: &str) {
        self.print(&format!("{line}\n"), true);
    }

    pub fn print(&self, text: &str, stderr: bool) {
        if let Some((machine, file)) = self.out.file.as_ref().filter(|_| !self.dead()) {
            // A log that cannot be written is a log that is missing, as on a full disk.
            self.world.disk(machine).append(file, text.as_bytes(), false).ok();
        }
        if let Some(live) = &self.out.live {
            // A client that is gone hears nothing.
            live.send((text.into(), stderr)).ok();
            return;
        }
        let mut texts = self.out.texts.lock().unwrap_or_else(PoisonError::into_inner);
        if stderr { texts.1.push_str(text) } else { texts.0.push_str(text) }
    }

    pub fn taken(&self) -> (String, String) {
        std::mem::take(&mut *self.out.texts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn disk(&self) -> Arc<dyn Disk> {
        self.world.disk(&self.node)
    }

    fn dead(&self) -> bool {
        generation(&self.world, &self.node) != self.generation
    }

    /// Lets others run; never returns on a dead machine.
    pub async fn pause(&self) {
        tokio::task::yield_now().await;
        self.alive().await;
    }

    /// The same without letting others run in between.
    pub async fn alive(&self) {
        if self.dead() {
            std::future::pending::<()>().await;
        }
    }

    pub async fn sleep(&self, time: Duration) {
        self.world.sleep(time).await;
        self.pause().await;
    }

    pub async fn seconds(&self, seconds: f64) {
        self.sleep(Duration::from_secs_f64(seconds)).await;
    }

    /// The op id of a unit named `podlift-<op_id>.service`.
    pub fn op(&self) -> Option<String> {
        let name = self.unit.as_deref()?.strip_prefix("podlift-")?;
        Some(name.trim_end_matches(".service").to_string())
    }

    /// Something that counts was done just now.
    pub async fn effect(&self, what: What) {
        self.world.record(&self.node, what, self.op());
        self.pause().await;
    }
}

fn generation(world: &World, node: &str) -> u64 {
    world.lock().place(node).map_or(0, |n| n.generation)
}
