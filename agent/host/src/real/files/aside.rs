//! Moves a file out of a folder without losing data: first a copy at the new place, then a rename out of the folder, then a comparison of
//! the copy with the renamed file. A file that another process put there meanwhile goes back.
#![allow(clippy::disallowed_methods)] // this is the edge

use super::folder::Folder;
use super::replace::{refuse_strange, unchanged};
use crate::{Intent, ReplaceError, Stat};
use nix::sys::stat::Mode;
use podlift_model::Digest;
use std::io::{self, Read as _};

/// `from` and `kept` are each a folder and a name in it; `scratch` is on the filesystem of `from`.
pub fn move_aside(
    from: (&Folder, &str),
    seen: (&Stat, &Digest),
    kept: (&Folder, &str),
    scratch: &Folder,
    intent: &mut Intent<'_>,
) -> Result<(), ReplaceError> {
    refuse_strange(from.1, seen.0)?;
    unchanged(from.0, from.1, seen.0, seen.1)?;
    let content = content(from.0, from.1)?;
    kept.0.temporary(&content, 0o600)?.rename_to(kept.0, kept.1)?;
    intent()?;
    let out = format!(".podlift-aside-{}", uuid::Uuid::new_v4().simple());
    from.0.move_to(from.1, scratch, &out)?;
    // Compare what was really taken, because another file may have replaced the entry in between.
    if self::content(scratch, &out).is_ok_and(|taken| Digest::of(taken) == *seen.1) {
        return Ok(scratch.remove(&out)?);
    }
    scratch.move_to(&out, from.0, from.1)?;
    Err(ReplaceError::Changed)
}

fn content(dir: &Folder, name: &str) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    dir.file(name, super::look(), Mode::empty())?.read_to_end(&mut bytes)?;
    Ok(bytes)
}
