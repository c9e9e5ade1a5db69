//! Why a set was not written.

use crate::kind::Wanted;
use std::io;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error(
        "backup {0} is there already and is never made again under the same name: give another one, or look at it with `podlift backup verify {0}`"
    )]
    Exists(String),
    #[error(
        "{0:?} is not a name for a backup: expected letters, digits, '-', '_' and '.', not beginning with '.'"
    )]
    Name(String),
    #[error("{0:?} is not a path below the set")]
    Path(String),
    #[error("{0} is empty: a set with an empty member is no backup")]
    Empty(String),
    #[error("{0}: {1}")]
    Snapshot(String, String),
    #[error(
        "{0} is secret and came in clear, and must come encrypted: nothing of it was kept. Is the agent an older podlift? Install the same on both"
    )]
    InClear(String),
    #[error("the set is no backup without: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    Incomplete(Vec<Wanted>),
    #[error("the set was given up meanwhile")]
    GivenUp,
    #[error("{path}: {source}; look at the backup directory and its filesystem")]
    Io { path: PathBuf, source: io::Error },
}
