//! Checks an etcd snapshot without etcd, as it passes: its size modulo 512 is 32, and its last 32 bytes are the SHA-256 of the others
//! (etcdutl `snapshot/v3_snapshot.go`).

use sha2::{Digest as _, Sha256};
use std::io::{self, Read, Write};

const TRAILER: usize = 32;

/// Receives a snapshot's bytes, and reports at their end whether it is complete.
#[derive(Default)]
pub(crate) struct Check {
    hash: Sha256,
    size: u64,
    /// The last bytes, which may be the trailer.
    tail: Vec<u8>,
}

impl Check {
    pub fn took(&mut self, bytes: &[u8]) {
        self.size += bytes.len() as u64;
        self.tail.extend_from_slice(bytes);
        let body = self.tail.len().saturating_sub(TRAILER);
        self.hash.update(&self.tail[..body]);
        self.tail.drain(..body);
    }

    /// What is wrong with the snapshot; `None` if it is complete.
    pub fn problem(self) -> Option<String> {
        let size = self.size;
        if size <= TRAILER as u64 || size % 512 != TRAILER as u64 {
            return Some(format!("{size} bytes are not a whole etcd snapshot (size modulo 512 must be 32)"));
        }
        let whole = self.tail == self.hash.finalize().as_slice();
        (!whole).then(|| "its SHA-256 trailer does not fit its content".into())
    }
}

impl Write for Check {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.took(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is wrong with the snapshot; `None` if it is complete.
pub(crate) fn problem(mut from: impl Read) -> io::Result<Option<String>> {
    let mut check = Check::default();
    io::copy(&mut from, &mut check)?;
    Ok(check.problem())
}
