//! Changes of a directory, as they happen.

use std::io;
use std::path::Path;
use tokio::sync::mpsc::UnboundedReceiver;

/// A change in a watched directory. A notice says where to look and not what is there, so the file must be read again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A file was written and closed, renamed in, renamed out or removed.
    File(String),
    /// Notices were lost, or the directory itself was replaced. The receiver must look at everything.
    Rescan,
}

/// A change of the folder and the process that made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Writing {
    /// Name within the folder.
    pub name: String,
    /// The process, or why the kernel did not identify it.
    pub by: Result<Process, String>,
}

/// A process at the time of its write.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Process {
    pub pid: i32,
    pub command: String,
    /// Its systemd unit; `None` if it belongs to none.
    pub unit: Option<String>,
    /// Command of its parent, for example the script that runs `mv`.
    pub parent: Option<String>,
}

/// The writers of a folder. Ask right after a notice: the longer the wait, the more often the writer has ended.
pub trait Writers: Send {
    /// Changes since the last call, except this process's own. Does not wait.
    fn seen(&mut self) -> Vec<Writing>;
}

pub trait Watch: Send + Sync {
    /// Watches until the receiver is dropped. Opening and reading a file gives no notice (it would be a feedback loop).
    fn watch(&self, dir: &Path) -> io::Result<UnboundedReceiver<Change>>;
    /// Reports writers from now on. Fails if the kernel can't.
    fn writers(&self, _dir: &Path) -> io::Result<Box<dyn Writers>> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
