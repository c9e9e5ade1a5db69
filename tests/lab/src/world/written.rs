//! Every text that a manifest of a control-plane node ever had, and who wrote it. People, kubeadm and tests record it themselves; what an
//! agent in this process writes goes through its port; of an agent in a process of its own, every text without a known writer is its work.
//!
//! The audit judges from this record, and not from the final state, what an agent must never write: a wrong write that is repaired
//! later is still a split brain.

use super::core::World;
use super::manifests::DIR;
use super::state::State;
use super::store::Store;
use crate::kubelet;
use podlift_agent::host::Change;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Writer {
    Agent,
    Kubeadm,
    /// A person, a program, or a test.
    Other,
}

#[derive(Debug, Clone)]
pub struct Written {
    pub at: jiff::Timestamp,
    pub node: String,
    pub file: String,
    pub by: Writer,
    pub text: Arc<str>,
}

impl Written {
    /// The store that this text sends an API server to.
    pub fn store(&self) -> Option<Store> {
        let pod = kubelet::parse(self.text.as_bytes(), &self.file, &self.node).ok()?;
        (pod.name == "kube-apiserver").then(|| Store::of(&pod.args()))
    }
}

impl State {
    /// The newest text of a file whose writer is known.
    fn newest(&self, node: &str, file: &str) -> Option<&Written> {
        self.written.iter().rev().find(|w| w.node == node && w.file == file)
    }

    pub fn last_writer(&self, node: &str, file: &str) -> Writer {
        self.newest(node, file).map_or(Writer::Other, |w| w.by)
    }
}

impl World {
    /// A write of a manifest, done while no other writer may look: `path` is the target.
    pub fn writes<T, E>(
        &self,
        node: &str,
        path: &Path,
        by: Writer,
        write: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let Some(file) = manifest_name(path) else { return write() };
        let _alone = self.alone();
        let done = write()?;
        self.note(node, &file, by);
        Ok(done)
    }

    /// The text that stands there now, if it is another than the newest one known.
    fn note(&self, node: &str, file: &str, by: Writer) {
        let Ok(bytes) = self.disk(node).read(&Path::new(DIR).join(file)) else { return };
        let text: Arc<str> = String::from_utf8_lossy(&bytes).into();
        let at = self.clock.now();
        self.update(|s| {
            if s.newest(node, file).is_none_or(|w| w.text != text) {
                s.written.push(Written { at, node: node.into(), file: file.into(), by, text });
            }
        });
    }

    /// Watches every control-plane node, for agents that are processes of their own.
    pub fn watch_writers(self: &Arc<Self>) {
        for node in self.shape.control_planes.clone() {
            let world = self.clone();
            self.spawn("", async move { world.watch_node(&node).await });
        }
    }

    async fn watch_node(self: &Arc<Self>, node: &str) {
        let Ok(mut changes) = self.disk(node).watch(Path::new(DIR)) else { return };
        while let Some(change) = changes.recv().await {
            let files = match change {
                Change::File(file) => vec![file],
                Change::Rescan => self.disk(node).list(Path::new(DIR)).unwrap_or_default(),
            };
            let _alone = self.alone();
            files.iter().filter(|f| !f.starts_with('.')).for_each(|f| self.note(node, f, Writer::Agent));
        }
    }

    pub fn written(&self) -> Vec<Written> {
        self.lock().written.clone()
    }

    /// Writes of agents that send an API server to this etcd cluster, from the record number `since` on: node and file.
    pub fn agents_wrote_towards(&self, cluster: u64, since: usize) -> Vec<String> {
        let s = self.lock();
        let mine = s.written.iter().skip(since).filter(|w| w.by == Writer::Agent);
        let towards = |w: &&Written| {
            let endpoints = w.store().unwrap_or(Store { endpoints: vec![], prefix: String::new() }).endpoints;
            endpoints.iter().filter_map(|p| s.etcd_at(p, &w.node)).any(|(e, _)| e.cluster == cluster)
        };
        mine.filter(towards).map(|w| format!("{}: {} at {}", w.node, w.file, w.at)).collect()
    }
}

/// The name of a visible file of the manifest directory.
fn manifest_name(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    (path.parent() == Some(Path::new(DIR)) && !name.starts_with('.')).then(|| name.to_string())
}
