//! Makes a set: members first, each durable when its call returns; then the manifest, its seal and the name. Members may be written
//! concurrently. The set is not visible to readers before it has its name.

use crate::error::WriteError;
use crate::kind::{Kind, Wanted};
use crate::manifest::{LeftOut, Manifest, Member, SCHEMA};
use crate::open::{Open, Way};
use crate::secret::Recipient;
use crate::{MANIFEST, SEAL, unfinished};
use jiff::Timestamp;
use podlift_common::durable;
use podlift_model::{ClusterName, Digest, KubeVersion, NodeName};
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

/// Description of a member.
pub struct Content<'a> {
    pub kind: Kind,
    pub node: Option<NodeName>,
    /// Path below the set's directory.
    pub path: &'a str,
    /// Whether the source declares it secret. Some kinds are secret in any case.
    pub secret: bool,
}

/// Content of the manifest besides the members.
#[derive(Debug, Clone)]
pub struct About {
    pub cluster: ClusterName,
    pub by: String,
    pub version: KubeVersion,
    pub revision: u64,
    pub wanted: Vec<Wanted>,
}

pub struct Writer {
    id: String,
    root: PathBuf,
    dir: PathBuf,
    recipients: Vec<Recipient>,
    taken: Mutex<Taken>,
    /// Writers hold it for reading, so that no late write follows the removal.
    given_up: RwLock<bool>,
}

#[derive(Default)]
struct Taken {
    members: Vec<Member>,
    left_out: Vec<LeftOut>,
}

const NO_RECIPIENT: &str = "secret, and the configuration names no backup.recipients to encrypt it to";

/// A member that is being written.
pub struct Begun(Open);

impl Begun {
    pub fn take(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        self.0.take(bytes)
    }
}

impl Writer {
    /// Begins a set, and removes what interrupted attempts left under the same name.
    pub fn create(root: &Path, id: &str, recipients: Vec<Recipient>) -> Result<Self, WriteError> {
        let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if id.is_empty() || id.starts_with('.') || !id.chars().all(fine) {
            return Err(WriteError::Name(id.into()));
        }
        if root.join(id).exists() {
            return Err(WriteError::Exists(id.into()));
        }
        let made = make_dir(root)
            .and_then(|()| unfinished::clear(root, id))
            .and_then(|()| unfinished::make(root, id));
        let dir = made.map_err(at(root))?;
        Ok(Self {
            id: id.into(),
            root: root.into(),
            dir,
            recipients,
            taken: Mutex::default(),
            given_up: RwLock::default(),
        })
    }

    /// Whether this member would be left out, so that the caller need not fetch it.
    pub fn leaves_out(&self, content: &Content<'_>) -> bool {
        self.recipients.is_empty() && content.kind.secret(content.path, content.secret)
    }

    /// Records in the manifest what is not in the set, and why.
    pub fn leave_out(&self, what: Wanted, why: impl Into<String>) {
        let left = LeftOut { what, why: why.into() };
        let mut taken = self.taken();
        if !taken.left_out.contains(&left) {
            taken.left_out.push(left);
        }
    }

    /// A member whose bytes come later. `None` if it is secret and there is no recipient; the manifest then records that it is left out.
    pub fn begin(&self, content: Content<'_>) -> Result<Option<Begun>, WriteError> {
        if self.leaves_out(&content) {
            self.leave_out(Wanted { kind: content.kind, node: content.node }, NO_RECIPIENT);
            return Ok(None);
        }
        let secret = content.kind.secret(content.path, content.secret);
        self.open(content, if secret { Way::Encrypt } else { Way::Plain }).map(Some)
    }

    /// A secret member that arrives encrypted, to recipients that this writer does not check. It is stored unchanged.
    pub fn begin_sealed(&self, content: Content<'_>) -> Result<Begun, WriteError> {
        self.open(content, Way::Sealed)
    }

    fn open(&self, content: Content<'_>, way: Way) -> Result<Begun, WriteError> {
        let Content { kind, node, path, secret: _ } = content;
        let below = Path::new(path);
        if path.is_empty() || !below.components().all(|c| matches!(c, Component::Normal(_))) {
            return Err(WriteError::Path(path.into()));
        }
        let _writing = self.writing()?;
        Open::create(&self.dir, path, (kind, node), way, &self.recipients).map(Begun)
    }

    /// Adds the finished member to the set. Returns the hash of its content.
    pub fn end(&self, begun: Begun) -> Result<Digest, WriteError> {
        self.end_as(begun, None)
    }

    /// Like `end`; `content` is the hash before encryption, as the encrypting agent reports it.
    pub fn end_as(&self, begun: Begun, content: Option<Digest>) -> Result<Digest, WriteError> {
        let _writing = self.writing()?;
        let mut member = begun.0.end()?;
        if let Some(content) = content {
            member.content_sha256 = content;
        }
        let content = member.content_sha256.clone();
        self.taken().members.push(member);
        Ok(content)
    }

    /// A member whose bytes are already in memory.
    pub fn add(&self, content: Content<'_>, bytes: &[u8]) -> Result<(), WriteError> {
        let Some(mut begun) = self.begin(content)? else { return Ok(()) };
        begun.take(bytes)?;
        self.end(begun).map(drop)
    }

    /// Removes what exists of the set. It waits for writers at work, and refuses later ones.
    pub fn give_up(&self) {
        let mut given_up = self.given_up.write().unwrap_or_else(PoisonError::into_inner);
        *given_up = true;
        drop(unfinished::remove(&self.dir));
    }

    fn writing(&self) -> Result<RwLockReadGuard<'_, bool>, WriteError> {
        let given_up = self.given_up.read().unwrap_or_else(PoisonError::into_inner);
        if *given_up { Err(WriteError::GivenUp) } else { Ok(given_up) }
    }

    /// Seals and names the set. Refuses if a required member is missing; the set then has no name.
    pub fn seal(&self, about: About, now: Timestamp) -> Result<(Manifest, Digest), WriteError> {
        let _writing = self.writing()?;
        let Taken { mut members, mut left_out } = std::mem::take(&mut *self.taken());
        members.sort_by(|a, b| a.path.cmp(&b.path));
        left_out.sort_by(|a, b| a.what.cmp(&b.what));
        let there = |w: &Wanted| members.iter().any(|m| m.kind == w.kind && m.node == w.node);
        let accepted = |w: &Wanted| left_out.iter().any(|l| l.what == *w);
        let missing: Vec<Wanted> =
            about.wanted.iter().filter(|w| !there(w) && !accepted(w)).cloned().collect();
        if !missing.is_empty() {
            return Err(WriteError::Incomplete(missing));
        }
        let About { cluster, by, version, revision, wanted } = about;
        let (schema, id) = (SCHEMA.to_string(), self.id.clone());
        let manifest =
            Manifest { schema, id, cluster, made_at: now, by, version, revision, wanted, members, left_out };
        let seal = name(&self.root, &self.dir, &manifest).map_err(at(&self.dir))?;
        Ok((manifest, seal))
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes manifest, seal and directories, and renames the set once.
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
