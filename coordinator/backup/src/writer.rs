//! Makes a set: members first, each durable before the next; then the manifest, its seal, and the name.

use crate::hashed::Hashed;
use crate::kind::{Kind, Wanted};
use crate::manifest::{LeftOut, Manifest, Member, SCHEMA, Stored};
use crate::secret::{self, Recipient};
use crate::{MANIFEST, SEAL, UNFINISHED, snapshot};
use jiff::Timestamp;
use podlift_common::durable;
use podlift_model::{ClusterName, Digest, KubeVersion, NodeName};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Component, Path, PathBuf};

/// What a member is made of.
pub struct Content<'a> {
    pub kind: Kind,
    pub node: Option<NodeName>,
    /// Below the set's directory.
    pub path: &'a str,
}

/// What the manifest says besides its members.
#[derive(Debug, Clone)]
pub struct About {
    pub cluster: ClusterName,
    pub by: String,
    pub version: KubeVersion,
    pub revision: u64,
    pub wanted: Vec<Wanted>,
}

#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error(
        "backup {0} is there already and is never made again under the same name: give another one, or look at it with `podlift backup verify {0}`"
    )]
    Exists(String),
    #[error(
        "{0:?} is not a name for a backup: expected letters, digits, '-', '_' and '.', not beginning with '.'"
    )]
    Name(String),
    #[error("{0:?} is not a path below the set")]
    Path(String),
    #[error("{0} is empty: a set with an empty member is no backup")]
    Empty(String),
    #[error("{0}: {1}")]
    Snapshot(String, String),
    #[error("the set is no backup without: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    Incomplete(Vec<Wanted>),
    #[error("{path}: {source}; look at the backup directory and its filesystem")]
    Io { path: PathBuf, source: io::Error },
}

pub struct Writer {
    id: String,
    root: PathBuf,
    dir: PathBuf,
    recipients: Vec<Recipient>,
    members: Vec<Member>,
    left_out: Vec<LeftOut>,
}

impl Writer {
    /// Begins a set. What an attempt that did not end left under the same name goes.
    pub fn create(root: &Path, id: &str, recipients: Vec<Recipient>) -> Result<Self, WriteError> {
        let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if id.is_empty() || id.starts_with('.') || !id.chars().all(fine) {
            return Err(WriteError::Name(id.into()));
        }
        if root.join(id).exists() {
            return Err(WriteError::Exists(id.into()));
        }
        let dir = root.join(format!("{UNFINISHED}{id}"));
        let made = match std::fs::remove_dir_all(&dir) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            _ => make_dir(&dir),
        };
        made.map_err(at(&dir))?;
        let (id, root) = (id.to_string(), root.to_path_buf());
        Ok(Self { id, root, dir, recipients, members: Vec::new(), left_out: Vec::new() })
    }

    /// Secrets without a recipient are left out, and that is said in the manifest.
    pub fn add(&mut self, content: Content<'_>, from: impl Read) -> Result<(), WriteError> {
        let Content { kind, node, path } = content;
        if kind.secret() && self.recipients.is_empty() {
            let why = "secret, and the configuration names no backup.recipients to encrypt it to".into();
            self.left_out.push(LeftOut { what: Wanted { kind, node }, why });
            return Ok(());
        }
        let below = Path::new(path);
        if path.is_empty() || !below.components().all(|c| matches!(c, Component::Normal(_))) {
            return Err(WriteError::Path(path.into()));
        }
        let stored = if kind.secret() { Stored::Age } else { Stored::Plain };
        let path = if stored == Stored::Age { format!("{path}.age") } else { path.to_string() };
        let file = self.dir.join(&path);
        let mut content = Hashed::new(from);
        let (bytes, sha256) = self.store(&file, stored, &mut content).map_err(at(&file))?;
        if content.bytes == 0 {
            return Err(WriteError::Empty(path));
        }
        let content_sha256 = content.digest().map_err(at(&file))?;
        self.members.push(Member { path, kind, node, stored, bytes, sha256, content_sha256 });
        Ok(())
    }

    /// The snapshot is checked before it is taken.
    pub fn add_snapshot(&mut self, content: Content<'_>, file: &Path) -> Result<(), WriteError> {
        let open = || File::open(file).map_err(at(file));
        if let Some(problem) = snapshot::problem(open()?).map_err(at(file))? {
            return Err(WriteError::Snapshot(file.display().to_string(), problem));
        }
        self.add(content, open()?)
    }

    fn store(&self, file: &Path, stored: Stored, from: &mut impl Read) -> io::Result<(u64, Digest)> {
        make_dir(file.parent().unwrap_or(&self.dir))?;
        let out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
        let mut hashed = Hashed::new(&out);
        match stored {
            Stored::Plain => drop(io::copy(from, &mut hashed)?),
            Stored::Age => secret::encrypt(&self.recipients, from, &mut hashed)?,
        }
        let done = (hashed.bytes, hashed.digest()?);
        out.sync_all()?;
        Ok(done)
    }

    /// Refuses a set that lacks what it must have; what is in it stays unnamed.
    pub fn seal(self, about: About, now: Timestamp) -> Result<(Manifest, Digest), WriteError> {
        let Self { id, root, dir, members, left_out, .. } = self;
        let there = |w: &Wanted| members.iter().any(|m| m.kind == w.kind && m.node == w.node);
        let accepted = |w: &Wanted| left_out.iter().any(|l| l.what == *w);
        let missing: Vec<Wanted> =
            about.wanted.iter().filter(|w| !there(w) && !accepted(w)).cloned().collect();
        if !missing.is_empty() {
            return Err(WriteError::Incomplete(missing));
        }
        let About { cluster, by, version, revision, wanted } = about;
        let schema = SCHEMA.to_string();
        let manifest =
            Manifest { schema, id, cluster, made_at: now, by, version, revision, wanted, members, left_out };
        let seal = name(&root, &dir, &manifest).map_err(at(&dir))?;
        Ok((manifest, seal))
    }
}

/// Manifest, seal, directories, and the one rename.
fn name(root: &Path, dir: &Path, manifest: &Manifest) -> io::Result<Digest> {
    let text = serde_json::to_vec_pretty(manifest)?;
    let seal = Digest::of(&text);
    durable::write(&dir.join(MANIFEST), &text, 0o600)?;
    durable::write(&dir.join(SEAL), format!("{seal}\n").as_bytes(), 0o600)?;
    sync_tree(dir)?;
    std::fs::rename(dir, root.join(&manifest.id))?;
    durable::sync_dir(root)?;
    Ok(seal)
}

fn sync_tree(dir: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_tree(&entry.path())?;
        }
    }
    durable::sync_dir(dir)
}

fn make_dir(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

fn at(path: &Path) -> impl Fn(io::Error) -> WriteError + use<> {
    let path = path.to_path_buf();
    move |source| WriteError::Io { path: path.clone(), source }
}
