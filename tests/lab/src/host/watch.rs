//! Changes of a directory of the node's disk.

use super::Here;
use podlift_agent::host::{Change, Watch};
use std::io;
use std::path::Path;
use tokio::sync::mpsc::UnboundedReceiver;

pub struct Port(pub Here);

impl Watch for Port {
    fn watch(&self, dir: &Path) -> io::Result<UnboundedReceiver<Change>> {
        self.0.check()?;
        self.0.disk.watch(dir)
    }
}
