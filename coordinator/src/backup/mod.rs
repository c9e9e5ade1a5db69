//! Backups: collects files of agents and objects of the API into one sealed set (`podlift-backup`), lists and verifies sets, and deletes
//! old ones. This module only reads from nodes and cluster. The etcd snapshot changes a node, so the caller makes it by an op. A set with a
//! missing or empty member gets no name, and its failure names the member.

mod collect;
mod failure;
mod kept;
mod lists;
mod member;
mod node_files;
mod objects;
mod page;
mod paths;
mod rows;
mod settings;
mod slim;
mod snapshot;
#[cfg(test)]
mod tests;
mod workloads;

pub(crate) use rows::listed;
pub use rows::{OnProgress, Progress};
pub use settings::{BackupSettings, ObjectName, Pattern};

use crate::cluster::Cluster;
use crate::dispatch::Agents;
use member::blocking;
use podlift_backup::{Entry, Manifest, Problem, Writer};
use podlift_common::clock::Clock;
use podlift_model::{ClusterName, Digest, Epoch, Failure, NodeName, RunId};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// The sources of a set.
pub struct World<'a> {
    pub agents: &'a dyn Agents,
    pub cluster: &'a dyn Cluster,
    pub epoch: &'a Epoch,
}

/// A set to make.
#[derive(Debug, Clone)]
pub struct Order {
    /// Name of the set: the run's id, or a name that a person has given.
    pub run: RunId,
    /// Name under which the agent keeps the etcd snapshot.
    pub snapshot: RunId,
    pub by: String,
    pub nodes: Vec<NodeName>,
    /// Nodes that a person has left out.
    pub without: Vec<NodeName>,
    /// Other sets that must not be deleted.
    pub needed: Vec<String>,
}

impl Order {
    /// The set of a run.
    pub fn of_run(run: &RunId, nodes: &[NodeName]) -> Self {
        let by = format!("run {run}");
        Self {
            run: run.clone(),
            snapshot: run.clone(),
            by,
            nodes: nodes.to_vec(),
            without: vec![],
            needed: vec![],
        }
    }
}

/// A sealed set.
#[derive(Debug, Clone)]
pub struct SealedSet {
    pub manifest: Manifest,
    pub sha256: Digest,
}

/// The result of a verification.
pub struct Verification {
    pub entry: Entry,
    pub problems: Vec<Problem>,
}

pub struct Backups {
    settings: BackupSettings,
    cluster: ClusterName,
    clock: Arc<dyn Clock>,
    /// Held while a set is made: only one is made at a time.
    making: tokio::sync::Mutex<()>,
}

/// A set that is being made.
struct Collection<'a> {
    world: World<'a>,
    settings: &'a BackupSettings,
    writer: Arc<Writer>,
    /// Name under which the agent keeps the etcd snapshot.
    snapshot: RunId,
    progress: OnProgress,
    done: AtomicU32,
    total: u32,
}

impl Collection<'_> {
    fn report(&self, what: &str) {
        (self.progress)(Progress {
            what: what.into(),
            done: self.done.load(Ordering::Relaxed),
            total: self.total,
        });
    }
    fn one_more(&self, what: &str) {
        self.done.fetch_add(1, Ordering::Relaxed);
        self.report(what);
    }
}

impl Backups {
    pub fn new(settings: BackupSettings, cluster: ClusterName, clock: Arc<dyn Clock>) -> Self {
        Self { settings, cluster, clock, making: tokio::sync::Mutex::default() }
    }

    pub fn settings(&self) -> &BackupSettings {
        &self.settings
    }

    /// The set of this name, after a verification of every byte; `None` if there is none. `remembered` is its hash in the journal.
    pub async fn sealed(&self, name: &str, remembered: Option<Digest>) -> Result<Option<SealedSet>, Failure> {
        let dir = self.settings.directory.join(name);
        let at = dir.clone();
        let found =
            blocking(move || Ok(dir.exists().then(|| podlift_backup::sealed(&dir, remembered.as_ref()))))
                .await?;
        let Some(found) = found else { return Ok(None) };
        let (manifest, sha256, problems) = found.map_or_else(|p| Err(damaged(name, &[p])), Ok)?;
        if !problems.is_empty() {
            return Err(damaged(name, &problems));
        }
        tracing::debug!(set = %at.display(), "backup verified");
        Ok(Some(SealedSet { manifest, sha256 }))
    }

    /// Every set, newest first.
    pub async fn list(&self) -> Result<Vec<Entry>, Failure> {
        let root = self.settings.directory.clone();
        let listed = blocking(move || Ok(podlift_backup::list(&root))).await?;
        listed.map_err(|e| failure::io(&self.settings.directory, &e))
    }

    /// Reads every byte of a set; `None` if there is no such set.
    pub async fn verify(
        &self,
        name: &str,
        remembered: Option<Digest>,
        progress: OnProgress,
    ) -> Result<Option<Verification>, Failure> {
        let entries = self.list().await?;
        let Some(entry) = entries.into_iter().find(|e| e.id == name && !e.unfinished) else {
            return Ok(None);
        };
        let (dir, name) = (self.settings.directory.join(name), name.to_string());
        let problems = blocking(move || {
            let mut report = |done: usize, total: usize| {
                let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
                progress(Progress {
                    what: format!("reading {name}"),
                    done: count(done),
                    total: count(total),
                });
            };
            let found = podlift_backup::verify_with(&dir, remembered.as_ref(), &mut report);
            Ok(found.map_or_else(|p| vec![p], |(_, problems)| problems))
        })
        .await?;
        Ok(Some(Verification { entry, problems }))
    }

    fn root(&self) -> PathBuf {
        self.settings.directory.clone()
    }
}

fn damaged(name: &str, problems: &[Problem]) -> Failure {
    const SHOWN: usize = 3;
    let mut lines: Vec<String> = problems.iter().take(SHOWN).map(ToString::to_string).collect();
    if problems.len() > SHOWN {
        lines.push(format!("and {} more", problems.len() - SHOWN));
    }
    let text = format!(
        "backup {name} is there and is not whole: {}; podlift backup verify {name}",
        lines.join("; ")
    );
    Failure::operator(failure::DAMAGED, text)
}
