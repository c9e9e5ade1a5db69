//! Snapshots of backups that were asked for outside of a run (`backup-…`): the coordinator has its copy, so a node keeps the newest two and
//! its disk does not fill up. What a run has stored is not touched.

use super::shared::file_failure;
use crate::host::Files;
use crate::paths;
use podlift_model::{Failure, RunId};
use std::path::Path;

const ALONE: &str = "backup-";
const KEPT: usize = 2;

/// All but the newest, and never the one that is about to be made. `mark`: the file of a backup that is written first.
pub fn prune(files: &dyn Files, own: &RunId, mark: &str) -> Result<(), Failure> {
    let dir = Path::new(paths::BACKUP);
    let names = match files.list(dir) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(|e| file_failure(dir, &e))?,
    };
    let age = |name: &String| files.stat(&dir.join(name).join(mark)).map_or(0, |s| s.ctime);
    let mut old: Vec<String> =
        names.into_iter().filter(|n| n.starts_with(ALONE) && n != own.as_str()).collect();
    old.sort_by_key(|name| std::cmp::Reverse(age(name)));
    for name in old.into_iter().skip(KEPT) {
        let path = dir.join(name);
        files.remove_tree(&path).map_err(|e| file_failure(&path, &e))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::MemFiles;

    #[test]
    fn the_newest_two_and_everything_of_runs_stay() {
        let files = MemFiles::default();
        prune(&files, &"backup-x".parse().unwrap(), ".podlift").unwrap();
        for name in ["r1", "backup-z", "backup-c", "backup-a", "r2", "backup-b", "backup-own"] {
            files.put(format!("/var/lib/podlift/backup/{name}/.podlift"), b"3");
            files.put(format!("/var/lib/podlift/backup/{name}/etcd.db"), b"db");
        }
        prune(&files, &"backup-own".parse().unwrap(), ".podlift").unwrap();
        let left = files.list(Path::new(paths::BACKUP)).unwrap();
        assert_eq!(left, ["backup-a", "backup-b", "backup-own", "r1", "r2"]);
    }
}
