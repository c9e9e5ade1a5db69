//! An etcd snapshot checked without etcd: its size modulo 512 is 32, and its last 32 bytes are the SHA-256 of the others
//! (etcdutl `snapshot/v3_snapshot.go`).

use sha2::{Digest as _, Sha256};
use std::io::{self, Read};

const TRAILER: usize = 32;

/// None: it is whole. Else what is wrong with it.
pub(crate) fn problem(mut from: impl Read) -> io::Result<Option<String>> {
    let (mut hash, mut size, mut tail) = (Sha256::new(), 0u64, Vec::new());
    let mut part = vec![0; 1 << 20];
    loop {
        let n = from.read(&mut part)?;
        if n == 0 {
            break;
        }
        size += n as u64;
        tail.extend_from_slice(&part[..n]);
        // All but what may be the trailer.
        let body = tail.len().saturating_sub(TRAILER);
        hash.update(&tail[..body]);
        tail.drain(..body);
    }
    if size <= TRAILER as u64 || size % 512 != TRAILER as u64 {
        return Ok(Some(format!("{size} bytes are not a whole etcd snapshot (size modulo 512 must be 32)")));
    }
    let whole = tail == hash.finalize().as_slice();
    Ok((!whole).then(|| "its SHA-256 trailer does not fit its content".into()))
}
