//! The containers of the lab are no processes of this machine: a signal to one finds nothing. Sessions in images may leave processes there.

use super::Here;
use podlift_agent::host::{OpenProcess, Processes};
use std::io;
use std::path::Path;

pub struct Port(pub Here);

impl Processes for Port {
    fn open(&self, pid: u32) -> io::Result<Box<dyn OpenProcess>> {
        Err(io::Error::new(io::ErrorKind::NotFound, format!("process {pid} does not exist")))
    }

    fn within(&self, dir: &Path) -> io::Result<Vec<(u32, String)>> {
        self.0.check()?;
        let s = self.0.world.lock();
        let image = s.bcm.image_at(&dir.to_string_lossy());
        Ok(image.map(|(_, i)| i.processes.clone()).unwrap_or_default())
    }
}
