//! How long sets stay: the newest so many, and whatever somebody still needs. Never a set that can't be read: a person looks at that.

use crate::list::list;
use podlift_common::durable;
use std::io;
use std::path::Path;

/// Removes older sets and attempts that did not end; returns the names of what went. `needed` are the ids of open runs.
pub fn retain(root: &Path, newest: usize, needed: &[&str]) -> io::Result<Vec<String>> {
    let kept = |id: &str| needed.contains(&id);
    let sets = list(root)?;
    let (unfinished, named): (Vec<_>, Vec<_>) = sets.into_iter().partition(|e| e.unfinished);
    let old = named.into_iter().filter(|e| e.manifest.is_ok()).skip(newest.max(1));
    let mut gone = Vec::new();
    for entry in old.chain(unfinished).filter(|e| !kept(&e.id)) {
        let name =
            if entry.unfinished { format!("{}{}", crate::UNFINISHED, entry.id) } else { entry.id.clone() };
        // A set loses its name before its files: half of one is never listed.
        let doomed = root.join(format!("{}{}", crate::UNFINISHED, entry.id));
        if !entry.unfinished {
            std::fs::rename(root.join(&name), &doomed)?;
            durable::sync_dir(root)?;
        }
        std::fs::remove_dir_all(&doomed)?;
        gone.push(entry.id);
    }
    Ok(gone)
}
