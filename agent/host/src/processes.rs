//! Signals to processes of the node, and processes in a folder. The kernel gives the number of a process that has ended to another one, so a process is opened first:
//! the opened one stays the same, whatever becomes of its number.

use podlift_model::checkpoint::CheckpointSignal;
use std::io;
use std::path::Path;

/// One process. If it has ended, a signal fails and reaches no other process.
pub trait OpenProcess: Send + Sync {
    fn send(&self, signal: CheckpointSignal) -> io::Result<()>;
}

pub trait Processes: Send + Sync {
    /// The process that has this number now. The caller looks at it in /proc after that.
    fn open(&self, pid: u32) -> io::Result<Box<dyn OpenProcess>>;
    /// Numbers and names of the processes whose root or working directory is this folder, or below it.
    fn within(&self, dir: &Path) -> io::Result<Vec<(u32, String)>> {
        let _ = dir;
        Ok(Vec::new())
    }
}
