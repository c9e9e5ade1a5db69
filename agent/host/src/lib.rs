//! The only crate of the agent that spawns, reads or writes. Ports are small traits; the real implementations are in the sibling files, and
//! tests and the lab bring their own. Paths are absolute within the node: the real ports put `--root` in front.

pub mod commands;
pub mod devices;
pub mod files;
pub mod http;
pub mod owned;
pub mod paths;
pub mod processes;
pub mod real;
#[cfg(feature = "testing")]
pub mod testing;
pub mod watch;

pub use commands::{Bounded, Bounds, CommandError, Commands, End, Invocation, Output};
pub use devices::{Allocation, Devices, Holder, Holders};
pub use files::{FileKind, Files, Intent, ReplaceError, Space, Stat, Swap};
pub use http::{ClientPair, Http, HttpError, HttpTls, Post, Trust};
pub use owned::{Owned, Unowned};
pub use processes::{OpenProcess, Processes};
pub use watch::{Change, Process, Watch, Writers, Writing};

use podlift_common::clock::Clock;
use std::sync::Arc;

/// The ports of a node: everything that an op may touch.
#[derive(Clone)]
pub struct Host {
    pub commands: Arc<dyn Commands>,
    pub files: Arc<dyn Files>,
    pub http: Arc<dyn Http>,
    pub watch: Arc<dyn Watch>,
    pub clock: Arc<dyn Clock>,
    pub devices: Arc<dyn Devices>,
    pub processes: Arc<dyn Processes>,
}
