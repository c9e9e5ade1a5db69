//! An etcd snapshot file, checked natively (size and SHA-256 trailer, which `snapshot status` does not check) and by etcd's own tool.

use super::{exited, must};
use podlift_host::{CommandError, Files, Host, Invocation};
use podlift_model::facts::SnapshotState;
use podlift_model::{Digest, Failure};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::io;
use std::path::Path;
use std::time::Duration;

const CHUNK: usize = 4 << 20;
const TRAILER: u64 = 32;

/// The result of the native check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Native {
    pub sha256: Digest,
    pub bytes: u64,
    /// Size modulo 512 is 32, and the last 32 bytes are the SHA-256 of the others.
    pub verified: bool,
}

/// Reads the file in parts, because a snapshot may be larger than memory, and yields between them.
pub async fn check(files: &dyn Files, path: &Path) -> io::Result<Native> {
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
        tokio::task::yield_now().await;
    }
    let verified = size > TRAILER && size % 512 == TRAILER && trailer == content.finalize().as_slice();
    let sha256 = Digest::try_from(hex::encode(whole.finalize())).map_err(io::Error::other)?;
    Ok(Native { sha256, bytes: size, verified })
}

/// The result of etcd's own tool, which walks over the whole database.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Status {
    pub revision: u64,
    #[serde(rename = "totalKey")]
    pub keys: u64,
}

/// Status of a snapshot, or of a restored database.
pub async fn status(host: &Host, path: &Path) -> Result<Status, Failure> {
    let args =
        ["snapshot".to_string(), "status".into(), path.display().to_string(), "-w".into(), "json".into()];
    parse(&tool(host, &args, Duration::from_secs(300)).await?)
}

/// Restores into a folder that does not exist yet. The tool checks the trailer during the copy. Members that never start replace the real
/// ones, in the same number, because they count among the keys.
pub async fn restore(
    host: &Host,
    from: &Path,
    to: &Path,
    members: usize,
    limit: Duration,
) -> Result<(), Failure> {
    let named = |i: usize| format!("scratch{i}=http://localhost:{i}");
    let all: Vec<String> = (1..=members.max(1)).map(named).collect();
    let args = [
        "snapshot".to_string(),
        "restore".into(),
        from.display().to_string(),
        format!("--data-dir={}", to.display()),
        "--name=scratch1".into(),
        "--initial-advertise-peer-urls=http://localhost:1".into(),
        format!("--initial-cluster={}", all.join(",")),
    ];
    tool(host, &args, limit).await.map(drop)
}

/// Calls etcdutl (3.5 and later), or an etcdctl that still has the command (3.4, and 3.5 with a warning).
async fn tool(host: &Host, args: &[String], limit: Duration) -> Result<String, Failure> {
    let call = |program| Invocation::new(program, args.to_vec()).env("ETCDCTL_API", "3").timeout(limit);
    match host.commands.run(&call("etcdutl")).await {
        Err(CommandError::NotFound { .. }) => must(host, &call("etcdctl")).await,
        Ok(output) if output.success() => Ok(output.stdout),
        Ok(output) => Err(exited(&call("etcdutl"), &output)),
        Err(e) => Err(Failure::transient("command-ended", e.to_string())),
    }
}

fn parse(text: &str) -> Result<Status, Failure> {
    let line = text.lines().rfind(|l| l.trim_start().starts_with('{')).unwrap_or_default();
    serde_json::from_str(line).map_err(|e| {
        let message = format!(
            "`snapshot status` printed no JSON ({e}); etcdctl of 3.6 and later can't read snapshots: install etcdutl beside it"
        );
        Failure::operator("snapshot-status", message).with_detail(text)
    })
}

impl Native {
    pub fn with_revision(self, revision: u64) -> SnapshotState {
        SnapshotState { sha256: self.sha256, bytes: self.bytes, revision, verified: self.verified }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlift_host::Output;
    use podlift_host::testing::{Fakes, MemFiles, said};

    /// Fakes 3.6: etcdctl only saves (it answers an unknown word with its help and exit 0); etcdutl reads, and reports its own version too.
    fn etcd_3_6(call: &Invocation, etcdutl: bool) -> Result<Output, CommandError> {
        match (call.program, call.args[1].as_str()) {
            ("etcdutl", _) if !etcdutl => {
                Err(CommandError::NotFound { program: "etcdutl".into(), path: "/usr/bin".into() })
            }
            ("etcdutl", "status") => said(
                r#"{"hash":3474280699,"revision":4107,"totalKey":811,"totalSize":3162112,"version":"3.6.0"}"#,
            ),
            ("etcdutl", "restore") => said(""),
            _ => said("NAME:\n\tsnapshot - Manages etcd node snapshots\n\nCOMMANDS:\n\tsave\n"),
        }
    }

    #[tokio::test]
    async fn etcd_3_6_is_read_by_etcdutl_and_never_by_etcdctl() {
        let fakes = Fakes::new(|call| etcd_3_6(call, true));
        let path = Path::new("/b/etcd.db");
        assert_eq!(status(&fakes.host, path).await.unwrap(), Status { revision: 4107, keys: 811 });
        restore(&fakes.host, path, Path::new("/b/scratch"), 3, Duration::from_secs(9)).await.unwrap();
        assert_eq!(
            fakes.commands.calls(),
            [
                "etcdutl snapshot status /b/etcd.db -w json",
                "etcdutl snapshot restore /b/etcd.db --data-dir=/b/scratch --name=scratch1 \
                 --initial-advertise-peer-urls=http://localhost:1 \
                 --initial-cluster=scratch1=http://localhost:1,scratch2=http://localhost:2,scratch3=http://localhost:3",
            ]
        );
        let without = Fakes::new(|call| etcd_3_6(call, false));
        let failure = status(&without.host, path).await.unwrap_err();
        assert!(failure.message.contains("install etcdutl"), "{failure}");
    }

    fn snapshot(pages: usize) -> Vec<u8> {
        let body: Vec<u8> = (0..pages * 512).map(|i| (i % 251) as u8).collect();
        let sum = Sha256::digest(&body);
        [body.as_slice(), sum.as_slice()].concat()
    }

    #[tokio::test]
    async fn size_and_trailer() {
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
            let native = check(&files, Path::new("/s.db")).await.unwrap();
            assert_eq!(
                (native.verified, native.bytes, native.sha256),
                (want, bytes.len() as u64, Digest::of(&bytes))
            );
        }
    }

    #[test]
    fn revision_from_the_recorded_status() {
        let text = include_str!("../../../tests/fixtures/transcripts/etcd-transcript.txt");
        let status = Status { revision: 4107, keys: 2158 };
        assert_eq!(parse(text.split("snapshot status").last().unwrap()), Ok(status));
        assert_eq!(parse("nonsense").unwrap_err().code, "snapshot-status");
    }
}
