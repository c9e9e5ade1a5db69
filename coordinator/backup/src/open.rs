//! Writes one member: hashes it before and after encryption, checks an etcd snapshot as it passes, and fsyncs the file at the end.

use crate::error::WriteError;
use crate::hashed::Hashed;
use crate::kind::Kind;
use crate::manifest::{Member, Stored};
use crate::secret::{self, Encrypting, Recipient};
use crate::snapshot::Check;
use podlift_model::NodeName;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

pub(crate) struct Open {
    kind: Kind,
    node: Option<NodeName>,
    /// Path below the set, as it is stored.
    path: String,
    file: PathBuf,
    content: Hashed<io::Sink>,
    snapshot: Option<Check>,
    out: Out,
}

enum Out {
    Plain(Hashed<File>),
    Age(Encrypting<Hashed<File>>),
    /// A member that arrives encrypted; the bytes that prove it, until all of them have arrived.
    Sealed(Hashed<File>, Vec<u8>),
}

/// How a member is written to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Plain,
    Encrypt,
    /// The source has encrypted it.
    Sealed,
}

/// The first line of every age file.
const AGE: &[u8] = b"age-encryption.org/v1\n";

impl Open {
    pub fn create(
        dir: &Path,
        path: &str,
        (kind, node): (Kind, Option<NodeName>),
        way: Way,
        recipients: &[Recipient],
    ) -> Result<Self, WriteError> {
        let path = if way == Way::Plain { path.to_string() } else { format!("{path}.age") };
        let file = dir.join(&path);
        let at = |source| WriteError::Io { path: file.clone(), source };
        make_below(dir, Path::new(&path)).map_err(at)?;
        let out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file).map_err(at)?;
        let out = match way {
            Way::Plain => Out::Plain(Hashed::new(out)),
            Way::Encrypt => Out::Age(secret::encrypting(recipients, Hashed::new(out)).map_err(at)?),
            Way::Sealed => Out::Sealed(Hashed::new(out), Vec::new()),
        };
        let snapshot = (kind == Kind::EtcdSnapshot && way != Way::Sealed).then(Check::default);
        Ok(Self { kind, node, path, file, content: Hashed::new(io::sink()), snapshot, out })
    }

    pub fn take(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        if let Some(check) = &mut self.snapshot {
            check.took(bytes);
        }
        let written = self.content.write_all(bytes).and_then(|()| match &mut self.out {
            Out::Plain(out) => out.write_all(bytes),
            Out::Age(out) => out.write_all(bytes),
            Out::Sealed(out, head) => sealed(out, head, bytes),
        });
        if matches!(&written, Err(e) if e.kind() == io::ErrorKind::InvalidData) {
            return Err(WriteError::InClear(self.path.clone()));
        }
        written.map_err(|source| WriteError::Io { path: self.file.clone(), source })
    }

    /// Completes the member, which is on the disk when this returns.
    pub fn end(self) -> Result<Member, WriteError> {
        let Self { kind, node, path, file, content, snapshot, out } = self;
        if content.bytes == 0 {
            return Err(WriteError::Empty(path));
        }
        if let Some(problem) = snapshot.and_then(Check::problem) {
            return Err(WriteError::Snapshot(path, problem));
        }
        let at = |source| WriteError::Io { path: file.clone(), source };
        let (out, stored) = match out {
            Out::Plain(out) => (out, Stored::Plain),
            Out::Age(out) => (out.finish().map_err(at)?, Stored::Age),
            Out::Sealed(_, head) if head.len() < AGE.len() => return Err(WriteError::InClear(path)),
            Out::Sealed(out, _) => (out, Stored::Age),
        };
        out.inner.sync_all().map_err(at)?;
        let (bytes, sha256) = (out.bytes, out.digest().map_err(at)?);
        let content_sha256 = content.digest().map_err(at)?;
        Ok(Member { path, kind, node, stored, bytes, sha256, content_sha256 })
    }
}

/// Writes nothing to the disk before the bytes are known to be encrypted.
fn sealed(out: &mut Hashed<File>, head: &mut Vec<u8>, bytes: &[u8]) -> io::Result<()> {
    let (missing, rest) = bytes.split_at(bytes.len().min(AGE.len() - head.len()));
    head.extend_from_slice(missing);
    if !AGE.starts_with(head) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    if !missing.is_empty() && head.len() == AGE.len() {
        out.write_all(head)?;
    }
    out.write_all(rest)
}

/// Creates the folders of `path` below `dir`. It never recreates `dir` itself: if `dir` is missing, the set was given up.
fn make_below(dir: &Path, path: &Path) -> io::Result<()> {
    let folders: Vec<&Path> = path.ancestors().skip(1).filter(|p| !p.as_os_str().is_empty()).collect();
    for folder in folders.into_iter().rev() {
        match DirBuilder::new().mode(0o700).create(dir.join(folder)) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
            _ => {}
        }
    }
    Ok(())
}
