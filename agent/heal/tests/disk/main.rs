//! The heal on real filesystems that fail: read-only, full, replaced, immutable, not ours. Each test mounts in a mount namespace of its own
//! thread, which ends with the thread, whatever happens.
#![allow(clippy::disallowed_methods)] // does to the disk what others do
#![allow(clippy::unwrap_used)]

mod folder;
mod full;
mod rights;
mod writer;

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use podlift_heal::{Heal, Learned, settings};
use podlift_host::testing::{EMPTY_API, LIVE_API};
use podlift_host::{Files as _, paths, real};
use podlift_model::Digest;
use podlift_model::op::Component;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

const API: Component = Component::KubeApiserver;
const SERVERS: &str = "https://10.77.0.11:2379,https://10.77.0.12:2379,https://10.77.0.13:2379";

/// A node's root folder with /etc/kubernetes and /var/lib/podlift on filesystems of their own.
struct Node {
    root: tempfile::TempDir,
    settings: settings::Heal,
}

impl Drop for Node {
    fn drop(&mut self) {
        for dir in ["etc/kubernetes", "var/lib/podlift"] {
            let _ = umount2(&self.root.path().join(dir), MntFlags::MNT_DETACH);
        }
    }
}

fn none() -> Option<&'static Path> {
    None
}

impl Node {
    fn new() -> Self {
        assert!(
            nix::unistd::geteuid().is_root(),
            "this test needs root: it mounts small filesystems in a mount namespace of its own"
        );
        unshare(CloneFlags::CLONE_NEWNS).unwrap();
        mount(none(), "/", none(), MsFlags::MS_REC | MsFlags::MS_PRIVATE, none()).unwrap();
        let root = tempfile::tempdir().unwrap();
        for dir in ["etc/kubernetes", "var/lib/podlift"] {
            let dir = root.path().join(dir);
            std::fs::create_dir_all(&dir).unwrap();
            mount(Some("tmpfs"), &dir, Some("tmpfs"), MsFlags::empty(), Some("size=256k,mode=755")).unwrap();
        }
        let node = Self {
            root,
            settings: settings::Heal { fight_limit: 100, budget_per_hour: 100, ..settings::Heal::default() },
        };
        node.write(&paths::manifest(API), LIVE_API);
        node
    }

    fn at(&self, path: impl AsRef<Path>) -> PathBuf {
        self.root.path().join(path.as_ref().strip_prefix("/").unwrap())
    }

    fn write(&self, path: &Path, text: &str) {
        std::fs::create_dir_all(self.at(path).parent().unwrap()).unwrap();
        podlift_common::durable::write(&self.at(path), text.as_bytes(), 0o600).unwrap();
    }

    /// As a person does it: another file is moved in.
    fn break_it(&self) {
        self.write(&paths::manifest(API), EMPTY_API);
    }

    fn manifest(&self) -> String {
        std::fs::read_to_string(self.at(paths::manifest(API))).unwrap()
    }

    fn is_healed(&self) -> bool {
        self.manifest() == EMPTY_API.replace("--etcd-servers=", &format!("--etcd-servers={SERVERS}"))
    }

    fn remount(&self, dir: &str, flags: MsFlags) {
        mount(none(), &self.at(dir), none(), MsFlags::MS_REMOUNT | flags, none()).unwrap();
    }

    /// A heal that has learned what the live manifest contains.
    fn heal(&self) -> Heal {
        let host = real::host(self.root.path(), &[]).unwrap();
        let (name, boot) = ("runai-01".parse().unwrap(), "b".parse().unwrap());
        let heal = Heal::open(host, self.settings.clone(), name, boot).unwrap();
        if heal.expectations().is_none() {
            let (servers, cluster) = (SERVERS.into(), Some("abc".into()));
            heal.learned(Learned { servers, cluster, ..Learned::default() }, &Digest::of(LIVE_API)).unwrap();
        }
        heal
    }

    /// What the folders hold besides the manifest; kubeadm's scratch folder must stay empty.
    fn litter(&self) -> Vec<String> {
        let files = real::RealFiles::open(self.root.path()).unwrap();
        let mut all = files.list(Path::new(paths::SCRATCH)).unwrap_or_default();
        all.extend(files.list(Path::new(paths::MANIFESTS)).unwrap());
        all.retain(|name| *name != API.file());
        all
    }

    fn intents(&self) -> usize {
        let history = std::fs::read_to_string(self.at(paths::heal("history.jsonl"))).unwrap_or_default();
        history.lines().filter(|line| line.starts_with("{\"intent\"")).count()
    }
}

fn look(heal: &Heal) {
    heal.look_at_all();
}

/// Why the worst finding is not repaired.
fn why(heal: &Heal) -> String {
    let found = heal.findings();
    found.first().and_then(|f| f.report_only.clone()).unwrap_or_else(|| format!("{found:?}"))
}

/// Watches with this tick until the guard is dropped.
async fn watched(heal: Heal) -> (Arc<Heal>, tokio::task::JoinHandle<()>) {
    let heal = Arc::new(heal);
    let inner = heal.clone();
    let (first, ticked) = tokio::sync::oneshot::channel();
    let first = std::sync::Mutex::new(Some(first));
    let pulse = move || {
        let _ = first.lock().unwrap().take().map(|f| f.send(()));
    };
    let task = tokio::spawn(async move { podlift_heal::watch(&inner, None, pulse).await });
    ticked.await.unwrap();
    (heal, task)
}

/// A heal that takes longer has not happened.
async fn healed(heal: &Heal) {
    tokio::time::timeout(Duration::from_secs(20), heal.healed.notified()).await.expect("a heal");
}
