//! The instance number of a lab, taken with a lock file: labs run side by side on addresses 127.I.0.N.
#![allow(clippy::disallowed_methods)] // this is an edge: lock files of this machine

use anyhow::{Context as _, bail};
use std::fs::File;

/// Held as long as it lives.
pub struct Instance {
    pub number: u8,
    _lock: File,
}

impl Instance {
    pub fn take() -> anyhow::Result<Self> {
        let dir = std::env::temp_dir();
        for number in 1..=250 {
            let path = dir.join(format!("podlift-lab-{number}.lock"));
            // A file of another user can't be opened: that number is taken.
            let Ok(file) = File::options().create(true).truncate(false).write(true).open(&path) else {
                continue;
            };
            if file.try_lock().is_ok() {
                return Ok(Self { number, _lock: file });
            }
        }
        bail!(
            "250 labs run on this machine already (lock files podlift-lab-N.lock in {}); end one",
            dir.display()
        )
    }

    pub fn network(&self) -> String {
        format!("127.{}.0", self.number)
    }

    /// What the lab needs of the machine: loopback addresses beside 127.0.0.1.
    pub async fn check(&self) -> anyhow::Result<()> {
        let address = format!("{}.1:0", self.network());
        let bound = tokio::net::TcpListener::bind(&address).await;
        bound.map(drop).with_context(|| {
            format!(
                "cannot listen on {address}; the lab needs the whole of 127.0.0.0/8 on the loopback interface"
            )
        })
    }
}
