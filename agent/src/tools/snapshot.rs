//! An etcd snapshot file: checked natively (size and SHA-256 trailer, which `snapshot status` does not look at) and by etcd's own tool.

use super::{exited, must};
use crate::host::{CommandError, Files, Host, Invocation};
use podlift_model::facts::SnapshotState;
use podlift_model::{Digest, Failure};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::io;
use std::path::Path;
use std::time::Duration;

const CHUNK: usize = 4 << 20;
const TRAILER: u64 = 32;

/// What the file alone tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Native {
    pub sha256: Digest,
    pub bytes: u64,
    /// Size modulo 512 is 32, and the last 32 bytes are the SHA-256 of the others.
    pub verified: bool,
}

/// Reads the file in parts: a snapshot may be larger than memory.
pub fn check(files: &dyn Files, path: &Path) -> io::Result<Native> {
    let size = files.stat(path)?.size;
    let body = size.saturating_sub(TRAILER);
    let (mut whole, mut content) = (Sha256::new(), Sha256::new());
    let mut trailer = Vec::new();
    let mut at = 0;
    while at < size {
        let part = files.read_at(path, at, CHUNK)?;
        if part.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!("{} became shorter", path.display()),
            ));
        }
        whole.update(&part);
        let of_body = usize::try_from(body.saturating_sub(at)).unwrap_or(usize::MAX).min(part.len());
        content.update(&part[..of_body]);
        trailer.extend_from_slice(&part[of_body..]);
        at += part.len() as u64;
    }
    let verified = size > TRAILER && size % 512 == TRAILER && trailer == content.finalize().as_slice();
    let sha256 = Digest::try_from(hex::encode(whole.finalize())).map_err(io::Error::other)?;
    Ok(Native { sha256, bytes: size, verified })
}

#[derive(Deserialize)]
struct Status {
    revision: u64,
}

/// The revision, and with it a walk over the whole database: by etcdutl, or by an etcdctl that still can.
pub async fn revision(host: &Host, path: &Path) -> Result<u64, Failure> {
    let args =
        ["snapshot".to_string(), "status".into(), path.display().to_string(), "-w".into(), "json".into()];
    let call = |program| {
        Invocation::new(program, args.clone()).env("ETCDCTL_API", "3").timeout(Duration::from_secs(300))
    };
    match host.commands.run(&call("etcdutl")).await {
        Ok(output) if output.success() => parse(&output.stdout),
        Ok(output) => Err(exited(&call("etcdutl"), &output)),
        Err(CommandError::NotFound { .. }) => parse(&must(host, &call("etcdctl")).await?),
        Err(e) => Err(Failure::transient("command-ended", e.to_string())),
    }
}

fn parse(text: &str) -> Result<u64, Failure> {
    let line = text.lines().rfind(|l| l.trim_start().starts_with('{')).unwrap_or_default();
    let status: Status = serde_json::from_str(line).map_err(|e| {
        Failure::operator("snapshot-status", format!("`snapshot status` printed no JSON: {e}"))
            .with_detail(text)
    })?;
    Ok(status.revision)
}

impl Native {
    pub fn with_revision(self, revision: u64) -> SnapshotState {
        SnapshotState { sha256: self.sha256, bytes: self.bytes, revision, verified: self.verified }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::MemFiles;

    fn snapshot(pages: usize) -> Vec<u8> {
        let body: Vec<u8> = (0..pages * 512).map(|i| (i % 251) as u8).collect();
        let sum = Sha256::digest(&body);
        [body.as_slice(), sum.as_slice()].concat()
    }

    #[test]
    fn size_and_trailer() {
        let whole = snapshot(9000);
        let mut flipped = whole.clone();
        flipped[7] ^= 1;
        let cases = [
            (whole.clone(), true),
            (flipped, false),
            (whole[..whole.len() - 1].to_vec(), false),
            (vec![], false),
            (vec![0; 32], false),
        ];
        for (bytes, want) in cases {
            let files = MemFiles::default();
            files.put("/s.db", &bytes);
            let native = check(&files, Path::new("/s.db")).unwrap();
            assert_eq!(
                (native.verified, native.bytes, native.sha256),
                (want, bytes.len() as u64, Digest::of(&bytes))
            );
        }
    }

    #[test]
    fn revision_from_the_recorded_status() {
        let text = include_str!("../../../tests/fixtures/transcripts/etcd-transcript.txt");
        assert_eq!(parse(text.split("snapshot status").last().unwrap()), Ok(4107));
        assert_eq!(parse("nonsense").unwrap_err().code, "snapshot-status");
    }
}
