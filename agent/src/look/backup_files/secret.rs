//! Parts of a secret file. Before the first part leaves, the agent encrypts the whole file to recipients of this node's own configuration,
//! into a spool; the parts are parts of the ciphertext. No byte of the clear text leaves the node, and the caller can't add a recipient.
//!
//! Secrets are encrypted on their node, to recipients of the node's own configuration, so that neither the wire nor the coordinator's disk
//! ever has a private key in clear text.

use super::read;
use crate::node::Node;
use crate::ops::shared::file_failure;
use crate::recipient::{Recipient, encrypting};
use podlift_host::Files;
use podlift_host::paths;
use podlift_model::survey::FilePart;
use podlift_model::{Digest, Failure, codes};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub(crate) const SPOOL: &str = "/var/lib/podlift/spool";
/// Bytes of the file and of the ciphertext that are in memory at a time.
const CHUNK: usize = 1 << 20;
/// Bytes that must remain free beside the ciphertext.
const SPARE: u64 = 64 << 20;

pub async fn part(node: &Node, at: &Path, offset: u64, wanted: &[String]) -> Result<FilePart, Failure> {
    let recipients = chosen(&node.config.backup.recipients, wanted)?;
    let (files, spool) = (node.host.files.as_ref(), spool(at));
    let _one = node.spool.lock().await;
    if offset == 0 {
        encrypt(files, at, &spool, &recipients).await?;
    }
    let size = match files.stat(&spool) {
        Ok(stat) => stat.size,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(begin_anew(at)),
        Err(e) => return Err(file_failure(&spool, &e)),
    };
    let part = read(files, &at.display().to_string(), &spool, size, offset)?;
    if part.last {
        files.remove(&spool).map_err(|e| file_failure(&spool, &e))?;
    }
    Ok(part)
}

fn begin_anew(at: &Path) -> Failure {
    let message = format!("no encryption of {} is under way: begin at 0", at.display());
    Failure::transient("begin-at-0", message)
}

/// All recipients of the node, or the requested ones among them.
fn chosen<'a>(own: &'a [Recipient], wanted: &[String]) -> Result<Vec<&'a Recipient>, Failure> {
    if own.is_empty() {
        let message = format!(
            "this node encrypts secrets to nobody, so it hands out none: set [backup] recipients = [\"age1…\"] in {} and restart the agent",
            paths::CONFIG
        );
        return Err(Failure::operator(codes::NO_RECIPIENTS, message));
    }
    if wanted.is_empty() {
        return Ok(own.iter().collect());
    }
    let known = |text: &String| own.iter().find(|recipient| recipient.to_string() == *text);
    if let Some(unknown) = wanted.iter().find(|text| known(text).is_none()) {
        let message = format!(
            "recipient {unknown} is none of [backup] recipients in this node's {}: a node encrypts to its own recipients only",
            paths::CONFIG
        );
        return Err(Failure::permanent("recipient-unknown", message));
    }
    Ok(wanted.iter().filter_map(known).collect())
}

/// The spool of one file.
fn spool(at: &Path) -> PathBuf {
    let name = Digest::of(at.display().to_string());
    Path::new(SPOOL).join(format!("{name}.age"))
}

/// Writes to the spool in chunks.
struct Spool<'a> {
    files: &'a dyn Files,
    path: &'a Path,
    buffer: Vec<u8>,
}

impl Write for Spool<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= CHUNK {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.buffer.is_empty() {
            self.files.append(self.path, &self.buffer)?;
            self.buffer.clear();
        }
        Ok(())
    }
}

async fn encrypt(files: &dyn Files, at: &Path, spool: &Path, to: &[&Recipient]) -> Result<(), Failure> {
    let before = files.stat(at).map_err(|e| file_failure(at, &e))?;
    room(files, before.size)?;
    let made = written(files, at, spool, to).await;
    let same = files.stat(at).is_ok_and(|after| after == before);
    match made {
        Ok(()) if same => Ok(()),
        Ok(()) => {
            drop(files.remove(spool));
            let message = format!("{} changed while it was encrypted: begin at 0", at.display());
            Err(Failure::transient("file-changed", message))
        }
        Err(e) => {
            drop(files.remove(spool));
            Err(file_failure(at, &e))
        }
    }
}

/// Yields between two chunks, so that other tasks can run.
async fn written(files: &dyn Files, at: &Path, spool: &Path, to: &[&Recipient]) -> io::Result<()> {
    files.write(spool, b"", 0o600)?;
    let mut out = encrypting(to, Spool { files, path: spool, buffer: Vec::new() })?;
    let mut offset = 0;
    loop {
        let bytes = files.read_at(at, offset, CHUNK)?;
        if bytes.is_empty() {
            return out.finish()?.flush();
        }
        out.write_all(&bytes)?;
        offset += bytes.len() as u64;
        tokio::task::yield_now().await;
    }
}

fn room(files: &dyn Files, size: u64) -> Result<(), Failure> {
    let dir = Path::new(paths::STATE);
    let free = files.free_bytes(dir).map_err(|e| file_failure(dir, &e))?;
    if free >= size.saturating_add(SPARE) {
        return Ok(());
    }
    let message = format!(
        "{} has {} MiB free; the encrypted copy needs {} MiB: free space there",
        dir.display(),
        free >> 20,
        (size + SPARE) >> 20
    );
    Err(Failure::operator(codes::DISK_FULL, message))
}

#[cfg(test)]
#[path = "secret_tests.rs"]
mod tests;
