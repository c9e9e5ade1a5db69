//! What uses the devices and the folders of a node.

use crate::{Allocation, Devices, Holders, OpenProcess, Processes};
use async_trait::async_trait;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Devices that processes and pods use as the test says. Without a word from the test nobody uses any.
#[derive(Default)]
pub struct FakeDevices {
    holders: Mutex<Holders>,
    allocations: Mutex<Option<Result<Vec<Allocation>, String>>>,
}

impl FakeDevices {
    pub fn hold(&self, holders: Holders) {
        *self.holders.lock().unwrap() = holders;
    }
    /// The kubelet's list, or why it has no answer.
    pub fn allocate(&self, allocations: Result<Vec<Allocation>, String>) {
        *self.allocations.lock().unwrap() = Some(allocations);
    }
}

#[async_trait]
impl Devices for FakeDevices {
    async fn holders(&self) -> Holders {
        self.holders.lock().unwrap().clone()
    }
    async fn allocations(&self) -> Result<Vec<Allocation>, String> {
        self.allocations.lock().unwrap().clone().unwrap_or_else(|| Ok(Vec::new()))
    }
}

/// A node without processes, except for those in a folder of which the test says so.
#[derive(Default)]
pub struct FakeProcesses {
    within: Mutex<Vec<(PathBuf, u32, String)>>,
}

impl FakeProcesses {
    /// This process has its root or working directory in the folder.
    pub fn put(&self, dir: impl Into<PathBuf>, pid: u32, name: &str) {
        self.within.lock().unwrap().push((dir.into(), pid, name.into()));
    }
    pub fn end(&self, pid: u32) {
        self.within.lock().unwrap().retain(|(_, other, _)| *other != pid);
    }
}

impl Processes for FakeProcesses {
    fn within(&self, dir: &Path) -> io::Result<Vec<(u32, String)>> {
        let all = self.within.lock().unwrap();
        Ok(all
            .iter()
            .filter(|(at, ..)| at.starts_with(dir))
            .map(|(_, pid, name)| (*pid, name.clone()))
            .collect())
    }
    fn open(&self, pid: u32) -> io::Result<Box<dyn OpenProcess>> {
        Err(io::Error::new(io::ErrorKind::NotFound, format!("process {pid} does not exist")))
    }
}
