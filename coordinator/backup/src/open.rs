//! A member that is being written: hashed before and after encryption, an etcd snapshot checked while it goes by, fsynced at its end.

use crate::hashed::Hashed;
use crate::kind::Kind;
use crate::manifest::{Member, Stored};
use crate::secret::{self, Encrypting, Recipient};
use crate::snapshot::Check;
use crate::writer::WriteError;
use podlift_model::NodeName;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

pub(crate) struct Open {
    kind: Kind,
    node: Option<NodeName>,
    /// Below the set, as it is stored.
    path: String,
    file: PathBuf,
    content: Hashed<io::Sink>,
    snapshot: Option<Check>,
    out: Out,
}

enum Out {
    Plain(Hashed<File>),
    Age(Encrypting<Hashed<File>>),
}

impl Open {
    pub fn create(
        dir: &Path,
        path: &str,
        (kind, node): (Kind, Option<NodeName>),
        stored: Stored,
        recipients: &[Recipient],
    ) -> Result<Self, WriteError> {
        let path = if stored == Stored::Age { format!("{path}.age") } else { path.to_string() };
        let file = dir.join(&path);
        let at = |source| WriteError::Io { path: file.clone(), source };
        make_below(dir, Path::new(&path)).map_err(at)?;
        let out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file).map_err(at)?;
        let out = match stored {
            Stored::Plain => Out::Plain(Hashed::new(out)),
            Stored::Age => Out::Age(secret::encrypting(recipients, Hashed::new(out)).map_err(at)?),
        };
        let snapshot = (kind == Kind::EtcdSnapshot).then(Check::default);
        Ok(Self { kind, node, path, file, content: Hashed::new(io::sink()), snapshot, out })
    }

    pub fn take(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        if let Some(check) = &mut self.snapshot {
            check.took(bytes);
        }
        let written = self.content.write_all(bytes).and_then(|()| match &mut self.out {
            Out::Plain(out) => out.write_all(bytes),
            Out::Age(out) => out.write_all(bytes),
        });
        written.map_err(|source| WriteError::Io { path: self.file.clone(), source })
    }

    /// On the disk when this returns.
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
        };
        out.inner.sync_all().map_err(at)?;
        let (bytes, sha256) = (out.bytes, out.digest().map_err(at)?);
        let content_sha256 = content.digest().map_err(at)?;
        Ok(Member { path, kind, node, stored, bytes, sha256, content_sha256 })
    }
}

/// The folders of `path` below `dir`. `dir` itself is never made again: one that is gone was given up.
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
