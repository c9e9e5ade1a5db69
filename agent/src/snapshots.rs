//! Names of the files in the agent's own store of etcd snapshots, and the notes beside each.

use podlift_model::facts::SnapshotState;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

pub const FILE: &str = "etcd.db";
/// Made first, because etcdctl does not make folders. Holds the number of members at that time.
pub const FOLDER_MARK: &str = ".podlift";

/// Results of a snapshot's verification, beside it as NAME.json.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notes {
    #[serde(flatten)]
    pub state: SnapshotState,
    /// The override of the store of single resources, in its own words; `None` for the main store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
}

/// `etcd.db`, `etcd-events.db`.
pub fn is_snapshot(name: &str) -> bool {
    name == FILE || (name.starts_with("etcd-") && name.ends_with(".db"))
}

/// The file name of a store: `etcd-events.db` for `/events`, `etcd-apps_deployments.db` for `apps/deployments`.
pub fn file_of(store: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '.') { c } else { '_' };
    let name: String = store.trim_matches('/').chars().map(safe).collect();
    format!("etcd-{name}.db")
}

pub fn notes_of(snapshot: &Path) -> PathBuf {
    snapshot.with_extension("json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_store_has_a_file_of_its_own() {
        let cases = [
            ("/events", "etcd-events.db"),
            ("apps/deployments", "etcd-apps_deployments.db"),
            ("/../x", "etcd-.._x.db"),
        ];
        for (store, file) in cases {
            assert_eq!(file_of(store), file);
            assert!(is_snapshot(file) && !file.contains('/'));
        }
        assert!(is_snapshot(FILE) && !is_snapshot("etcd.json") && !is_snapshot("etcd.db.part"));
        assert_eq!(notes_of(Path::new("/b/etcd-events.db")), Path::new("/b/etcd-events.json"));
    }
}
