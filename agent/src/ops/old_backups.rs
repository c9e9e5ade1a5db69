//! Removes snapshots that a node need not keep. The newest two backups outside of a run (`backup-…`) stay, because the coordinator has a
//! copy of each. Of runs, only the newest one keeps its snapshot: each holds the whole cluster, its sealed set is elsewhere, and the disk
//! must not fill up. The manifests that a run has stored are not touched.

use super::shared::file_failure;
use crate::snapshots::{FOLDER_MARK, is_snapshot};
use podlift_host::Files;
use podlift_host::paths;
use podlift_model::{Failure, RunId};
use std::cmp::Reverse;
use std::path::Path;

const ALONE: &str = "backup-";
const KEPT_ALONE: usize = 2;
const KEPT_OF_RUNS: usize = 1;

/// `own` is the backup that is about to be made; it is never touched.
pub fn prune(files: &dyn Files, own: Option<&RunId>) -> Result<(), Failure> {
    let dir = Path::new(paths::BACKUP);
    let names = match files.list(dir) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(|e| file_failure(dir, &e))?,
    };
    let age = |name: &String| files.stat(&dir.join(name).join(FOLDER_MARK)).map_or(0, |s| s.ctime);
    let mut old: Vec<String> =
        names.into_iter().filter(|n| own.is_none_or(|own| n != own.as_str())).collect();
    old.sort_by_key(|name| Reverse(age(name)));
    let (alone, runs): (Vec<String>, Vec<String>) = old.into_iter().partition(|name| name.starts_with(ALONE));
    for name in alone.into_iter().skip(KEPT_ALONE) {
        let path = dir.join(name);
        files.remove_tree(&path).map_err(|e| file_failure(&path, &e))?;
    }
    let with = runs.into_iter().filter(|name| !snapshots(files, &dir.join(name)).is_empty());
    for name in with.skip(KEPT_OF_RUNS) {
        for snapshot in snapshots(files, &dir.join(&name)) {
            let path = dir.join(&name).join(snapshot);
            files.remove(&path).map_err(|e| file_failure(&path, &e))?;
        }
    }
    Ok(())
}

fn snapshots(files: &dyn Files, dir: &Path) -> Vec<String> {
    files.list(dir).unwrap_or_default().into_iter().filter(|name| is_snapshot(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::MemFiles;

    #[test]
    fn the_newest_two_alone_and_the_newest_of_runs_stay() {
        let files = MemFiles::default();
        prune(&files, None).unwrap();
        for name in ["r1", "backup-z", "backup-c", "backup-a", "r2", "backup-b", "backup-own", "r3", "own"] {
            files.put(format!("/var/lib/podlift/backup/{name}/.podlift"), b"3");
            files.put(format!("/var/lib/podlift/backup/{name}/kube-apiserver.yaml"), b"m");
            if name != "r3" {
                files.put(format!("/var/lib/podlift/backup/{name}/etcd.db"), b"db");
                files.put(format!("/var/lib/podlift/backup/{name}/etcd-events.db"), b"db");
            }
        }
        prune(&files, Some(&"backup-own".parse().unwrap())).unwrap();
        let left = files.list(Path::new(paths::BACKUP)).unwrap();
        assert_eq!(left, ["backup-a", "backup-b", "backup-own", "own", "r1", "r2", "r3"]);
        let held = |run: &str| snapshots(&files, &Path::new(paths::BACKUP).join(run)).len();
        assert_eq!(["own", "r1", "r2", "r3"].map(held), [2, 0, 0, 0], "only the newest run's");
        let manifest =
            |run: &str| files.read(&Path::new(paths::BACKUP).join(run).join("kube-apiserver.yaml"));
        assert!(["own", "r1", "r2", "r3"].iter().all(|run| manifest(run).is_ok()));
        prune(&files, Some(&"own".parse().unwrap())).unwrap();
        assert_eq!(held("own"), 2);
    }
}
