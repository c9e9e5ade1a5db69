//! Why the journal cannot be opened, read or written, each with the next command.

use podlift_engine::machine::ChainError;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error(
        "the journal is at record {head}, and the writer believed {expected}: somebody else wrote; restart this coordinator"
    )]
    Conflict { expected: u64, head: u64 },
    #[error(
        "journal {path} is damaged: {source}. Nothing is started on it. Move it aside, put the last backup of the file in its place, start again, then `podlift adopt`",
        path = path.display()
    )]
    Damaged { path: PathBuf, source: ChainError },
    #[error("journal {path}: record {seq} can't be read: {why}. Put the last backup of the file in its place, then `podlift adopt`", path = path.display())]
    Unreadable { path: PathBuf, seq: u64, why: String },
    #[error(
        "journal {path}: record {seq} has a form that this podlift does not know ({why}): start the newer podlift that wrote it; if there is none, the file was altered: put its last backup in its place, then `podlift adopt`",
        path = path.display()
    )]
    Unknown { path: PathBuf, seq: u64, why: String },
    #[error("journal {path} is in use by another coordinator: stop that one first (systemctl status podlift-coordinator)", path = path.display())]
    InUse { path: PathBuf },
    #[error("journal {path} has format {found}, this podlift knows up to {known}: start the newer podlift that wrote it", path = path.display())]
    Newer { path: PathBuf, found: i64, known: i64 },
    #[error("journal {path} can't be opened: {source}", path = path.display())]
    Open { path: PathBuf, source: std::io::Error },
    #[error("journal {path}: {what}: {source}; is the disk full?", path = path.display())]
    Sqlite { path: PathBuf, what: &'static str, source: rusqlite::Error },
    #[error("journal {path} is not read any more, because its reading thread has failed: restart this coordinator, and keep its log for a report", path = path.display())]
    ReaderGone { path: PathBuf },
    #[error("journal: {0}")]
    Refused(String),
}

impl JournalError {
    /// Stable code, for machines.
    pub fn code(&self) -> &'static str {
        match self {
            JournalError::Conflict { .. } => "journal-conflict",
            JournalError::Damaged { .. } | JournalError::Unreadable { .. } => "journal-damaged",
            JournalError::InUse { .. } => "journal-in-use",
            JournalError::Newer { .. } | JournalError::Unknown { .. } => "journal-newer",
            JournalError::Open { .. }
            | JournalError::Sqlite { .. }
            | JournalError::ReaderGone { .. }
            | JournalError::Refused(_) => "journal-io",
        }
    }
}
