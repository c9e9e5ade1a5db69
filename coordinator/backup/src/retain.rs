//! Which sets stay: the newest ones up to a number, the newest intact one, and those that open runs need. A set that cannot be read stays
//! too, because a person must look at it.

use crate::list::{Entry, list};
use crate::{unfinished, verify};
use podlift_common::durable;
use std::io;
use std::path::Path;

/// Removes older sets and unfinished attempts, and returns their names. `needed` are the ids of open runs.
pub fn retain(root: &Path, newest: usize, needed: &[&str]) -> io::Result<Vec<String>> {
    let (tries, named): (Vec<_>, Vec<_>) = list(root)?.into_iter().partition(|e| e.unfinished);
    let readable: Vec<Entry> = named.into_iter().filter(|e| e.manifest.is_ok()).collect();
    let (kept, mut old) = split(readable, newest.max(1));
    if !old.is_empty() && !kept.iter().any(|e| whole(root, e)) {
        // No remaining set can be restored, so the newest intact one stays.
        if let Some(last) = old.iter().position(|e| whole(root, e)) {
            old.remove(last);
        }
    }
    let mut gone = Vec::new();
    for entry in old.into_iter().chain(tries).filter(|e| !needed.contains(&e.id.as_str())) {
        remove(root, &entry)?;
        gone.push(entry.id);
    }
    Ok(gone)
}

fn split(mut all: Vec<Entry>, at: usize) -> (Vec<Entry>, Vec<Entry>) {
    let rest = all.split_off(at.min(all.len()));
    (all, rest)
}

fn whole(root: &Path, entry: &Entry) -> bool {
    verify(&root.join(&entry.id), None).is_ok_and(|(_, problems)| problems.is_empty())
}

/// Removes a set's name before its files, so that an incomplete set is never listed.
fn remove(root: &Path, entry: &Entry) -> io::Result<()> {
    let mut dir = root.join(&entry.directory);
    if !entry.unfinished {
        let doomed = unfinished::make(root, &entry.id)?;
        std::fs::rename(&dir, &doomed)?;
        durable::sync_dir(root)?;
        dir = doomed;
    }
    unfinished::remove(&dir)
}
