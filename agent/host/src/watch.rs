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

/// A change of the folder, and who made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Writing {
    /// Name within the folder.
    pub name: String,
    /// What the kernel said of the process, or why it did not.
    pub by: Result<Process, String>,
}

/// A process as it was when it wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Process {
    pub pid: i32,
    pub command: String,
    /// Its systemd unit, where it belongs to one.
    pub unit: Option<String>,
    /// Command of its parent: who runs the `mv`.
    pub parent: Option<String>,
}

/// Asked right after a notice: the longer it waits, the more often the writer has ended.
pub trait Writers: Send {
    /// Changes since it was asked last, our own left out. Does not wait.
    fn seen(&mut self) -> Vec<Writing>;
}

pub trait Watch: Send + Sync {
    /// Ends when the receiver is dropped. Opening and reading a file gives no notice (it would be a feedback loop).
    fn watch(&self, dir: &Path) -> io::Result<UnboundedReceiver<Change>>;
    /// Tells who writes, from now on, where the kernel does.
    fn writers(&self, _dir: &Path) -> io::Result<Box<dyn Writers>> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
