//! Changes of a directory, as they happen.

use std::io;
use std::path::Path;
use tokio::sync::mpsc::UnboundedReceiver;

/// What happened in a watched directory. Always read again: a notice says where to look, never what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A file was written and closed, renamed in, renamed out or removed.
    File(String),
    /// Notices were lost, or the directory itself was replaced: look at everything.
    Rescan,
}

pub trait Watch: Send + Sync {
    /// Ends when the receiver is dropped. Opening and reading a file gives no notice (it would be a feedback loop).
    fn watch(&self, dir: &Path) -> io::Result<UnboundedReceiver<Change>>;
}
