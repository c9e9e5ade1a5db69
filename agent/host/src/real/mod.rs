//! The real ports: this machine, below one root folder.

mod commands;
mod devices;
mod files;
mod http;
mod loopback;
mod processes;
mod watch;
mod writers;

pub use commands::RealCommands;
pub use devices::RealDevices;
pub use files::RealFiles;
pub use http::RealHttp;
pub use processes::RealProcesses;
pub use watch::RealWatch;

use super::Host;
use podlift_common::clock::SystemClock;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A host whose files are below `root` and whose programs are found in `path`.
pub fn host(root: &Path, path: &[PathBuf]) -> io::Result<Host> {
    Ok(Host {
        commands: Arc::new(RealCommands::new(path.to_vec()).below(root)),
        files: Arc::new(RealFiles::open(root)?),
        http: Arc::new(RealHttp::new(root)),
        watch: Arc::new(RealWatch::new(root)),
        clock: Arc::new(SystemClock),
        devices: Arc::new(RealDevices::new(root)),
        processes: Arc::new(RealProcesses::new(root)),
    })
}

/// An absolute path of the node, below the root.
fn below(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}
