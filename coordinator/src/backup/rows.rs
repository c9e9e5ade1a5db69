//! Sets as views: the progress while a set is made or read, and its rows and results in documents.

use super::{SealedSet, Verification};
use podlift_backup::{Entry, LeftOut, Manifest, Problem, Stored};
use podlift_engine::doors::BackupView;
use podlift_engine::view::BackupRow;
use podlift_model::Digest;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Progress of work on a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    pub what: String,
    pub done: u32,
    /// 0 if the total is not known.
    pub total: u32,
}

/// Called as the work proceeds.
pub type OnProgress = Arc<dyn Fn(Progress) + Send + Sync>;

impl SealedSet {
    pub fn view(&self) -> BackupView {
        let m = &self.manifest;
        BackupView {
            set: m.id.clone(),
            sha256: self.sha256.clone(),
            members: members(m),
            bytes: bytes(m),
            encrypted: encrypted(m),
            warnings: warnings(&m.left_out),
        }
    }

    pub fn row(&self) -> BackupRow {
        row(&self.manifest, &self.sha256)
    }
}

impl Verification {
    pub fn row(&self) -> BackupRow {
        let mut row = listed(&self.entry);
        if !self.problems.is_empty() && row.state == "sealed" {
            row.state = "damaged".into();
        }
        row
    }

    pub fn problems(&self) -> Vec<String> {
        self.problems.iter().map(Problem::to_string).collect()
    }
}

pub(crate) fn listed(entry: &Entry) -> BackupRow {
    match (&entry.manifest, &entry.sha256) {
        (Ok(manifest), Some(sha256)) if !entry.unfinished => {
            BackupRow { name: entry.id.clone(), ..row(manifest, sha256) }
        }
        (manifest, _) => {
            let (state, why) = match (entry.unfinished, manifest) {
                (true, _) => (
                    "unfinished",
                    "it is being made, or an attempt did not end; the next one removes it".into(),
                ),
                (false, Err(why)) => ("unreadable", why.clone()),
                (false, Ok(_)) => ("unreadable", "it has no seal".into()),
            };
            BackupRow { name: entry.id.clone(), state: state.into(), why: Some(why), ..BackupRow::default() }
        }
    }
}

fn row(m: &Manifest, sha256: &Digest) -> BackupRow {
    BackupRow {
        name: m.id.clone(),
        state: "sealed".into(),
        made_at: Some(m.made_at),
        by: m.by.clone(),
        version: Some(m.version),
        revision: Some(m.revision).filter(|r| *r > 0),
        members: members(m),
        bytes: bytes(m),
        encrypted: encrypted(m),
        sha256: Some(sha256.clone()),
        left_out: warnings(&m.left_out),
        why: None,
    }
}

fn members(m: &Manifest) -> u32 {
    u32::try_from(m.members.len()).unwrap_or(u32::MAX)
}

fn bytes(m: &Manifest) -> u64 {
    m.members.iter().map(|m| m.bytes).sum()
}

fn encrypted(m: &Manifest) -> bool {
    m.members.iter().any(|m| m.stored == Stored::Age)
}

/// What was left out. Nodes of the same kind and reason share a line.
fn warnings(left_out: &[LeftOut]) -> Vec<String> {
    let mut all: BTreeMap<(String, &str), Vec<&str>> = BTreeMap::new();
    for left in left_out {
        let nodes = all.entry((left.what.kind.to_string(), &left.why)).or_default();
        nodes.extend(left.what.node.as_ref().map(|n| n.as_str()));
    }
    all.into_iter().map(|((kind, why), nodes)| warning(&kind, why, &nodes)).collect()
}

fn warning(kind: &str, why: &str, nodes: &[&str]) -> String {
    match nodes {
        [] => format!("{kind} left out: {why}"),
        [node] => format!("{kind} of {node} left out: {why}"),
        [first, .., last] => {
            let all = podlift_model::count(nodes.len(), "node");
            format!("{kind} of {all} ({first} to {last}) left out: {why}")
        }
    }
}
