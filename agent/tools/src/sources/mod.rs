//! The source of this node's Kubernetes packages: the one apt source that names `core:/stable:/vX.Y/deb/`, in the one-line form or as
//! deb822. Only its minor ever changes; host, key, comments, other lines and other repositories stay as they are, byte for byte. Other
//! files may be broken, unreadable or links: they are reported and never touched.

mod deb822;
mod foreign;
mod legacy;
mod one_line;
#[cfg(test)]
mod tests;

use podlift_host::{FileKind, Files};
use podlift_model::survey::ForeignSource;
use podlift_model::{Failure, Minor};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

const LIST: &str = "/etc/apt/sources.list";
const PARTS: &str = "/etc/apt/sources.list.d";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    OneLine,
    Deb822,
}

/// One file of apt's sources that names the Kubernetes repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    pub path: PathBuf,
    pub form: Form,
    pub text: String,
}

/// Range of a minor in the text, and the minor.
type Place = (Range<usize>, Minor);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    #[error(
        "no file of /etc/apt/sources.list.d, and not /etc/apt/sources.list, names a repository core:/stable:/vX.Y/deb/; expected the one that kubeadm's packages came from{}",
        skipped(.0)
    )]
    Missing(Vec<ForeignSource>),
    #[error(
        "{file} names {entry}, the repository of Kubernetes packages that is gone since March 2024, and no file names core:/stable:/vX.Y/deb/; write `{line}` in its place, with the minor that is installed and the repository's key",
        line = legacy::LINE
    )]
    Legacy { file: String, entry: String },
    #[error("several files name the Kubernetes repository: {0}; leave one of them")]
    Several(String),
    #[error(
        "{0}: trusted=yes or allow-insecure=yes switches signature checks off; use signed-by with the repository's key"
    )]
    Trusted(String),
    #[error(
        "{0}: {1:?} is no Kubernetes repository: expected an address that ends in core:/stable:/vX.Y/deb/"
    )]
    Strange(String, String),
    #[error("{0} can't be read: {1}")]
    Unreadable(String, String),
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        Failure::operator("apt-source", error.to_string())
    }
}

/// Why an entry can't be used.
#[derive(Debug, PartialEq, Eq)]
enum Unusable {
    Trusted,
    Strange(String),
}

impl Form {
    fn of(name: &str) -> Option<Self> {
        match name.rsplit_once('.')?.1 {
            "list" => Some(Self::OneLine),
            "sources" => Some(Self::Deb822),
            _ => None,
        }
    }

    fn places(self, text: &str) -> Result<Vec<Place>, Unusable> {
        match self {
            Self::OneLine => one_line::places(text),
            Self::Deb822 => deb822::places(text),
        }
    }
}

/// A list of the files that the search had to skip.
fn skipped(files: &[ForeignSource]) -> String {
    let each = files.iter().map(|f| format!("; {} was skipped: {}", f.file, f.what));
    each.collect()
}

/// The node's source; an error unless exactly one file names the repository.
pub fn find(files: &dyn Files) -> Result<Source, SourceError> {
    look(files)?.source()
}

/// What is wrong with the other files.
pub fn foreign(files: &dyn Files) -> Result<Vec<ForeignSource>, SourceError> {
    Ok(look(files)?.foreign)
}

/// All files of apt's sources, read.
#[derive(Default)]
struct Found {
    ours: Vec<Source>,
    foreign: Vec<ForeignSource>,
    /// Files that could not be read: the node's source may be among them.
    unread: Vec<ForeignSource>,
    /// The first entry of the old repository.
    legacy: Option<(String, String)>,
}

fn look(files: &dyn Files) -> Result<Found, SourceError> {
    let mut found = Found::default();
    for path in candidates(files)? {
        let Some(form) = Form::of(&path.to_string_lossy()) else { continue };
        match read(files, &path) {
            Ok(Some(bytes)) => found.take(path, form, bytes)?,
            Ok(None) => {}
            Err(what) => {
                let file = ForeignSource { file: path.display().to_string(), what };
                found.foreign.push(file.clone());
                found.unread.push(file);
            }
        }
    }
    Ok(found)
}

/// `None` if the file does not exist. The error says why it is skipped.
fn read(files: &dyn Files, path: &Path) -> Result<Option<Vec<u8>>, String> {
    let gone = |e: &io::Error| e.kind() == io::ErrorKind::NotFound;
    match files.stat(path) {
        Ok(stat) if stat.kind == FileKind::Symlink => {
            return Err("it is a symbolic link, which podlift does not follow; put the file itself there if it names the Kubernetes repository".into());
        }
        Err(e) if gone(&e) => return Ok(None),
        _ => {}
    }
    match files.read(path) {
        Err(e) if gone(&e) => Ok(None),
        Err(e) => Err(format!("it can't be read: {e}; look at the file")),
        Ok(bytes) => Ok(Some(bytes)),
    }
}

impl Found {
    fn take(&mut self, path: PathBuf, form: Form, bytes: Vec<u8>) -> Result<(), SourceError> {
        let file = path.display().to_string();
        if let Some(what) = foreign::wrong(form, &bytes) {
            self.foreign.push(ForeignSource { file: file.clone(), what });
        }
        if let Some(entry) = foreign::legacy_entry(form, &String::from_utf8_lossy(&bytes)) {
            self.legacy.get_or_insert((file.clone(), entry));
        }
        // Only a file with the Kubernetes repository must be text.
        if !bytes.windows(BEFORE.len()).any(|w| w == BEFORE.as_bytes()) {
            return Ok(());
        }
        let text = String::from_utf8(bytes).map_err(|_| {
            SourceError::Unreadable(file, "it names the Kubernetes repository and is not text".into())
        })?;
        let source = Source { path, form, text };
        if !source.places()?.is_empty() {
            self.ours.push(source);
        }
        Ok(())
    }

    fn source(mut self) -> Result<Source, SourceError> {
        let names: Vec<String> = self.ours.iter().map(|s| s.path.display().to_string()).collect();
        match (self.ours.pop(), names.len(), self.legacy) {
            (Some(only), 1, _) => Ok(only),
            (None, _, Some((file, entry))) => Err(SourceError::Legacy { file, entry }),
            (None, ..) => Err(SourceError::Missing(self.unread)),
            _ => Err(SourceError::Several(names.join(", "))),
        }
    }
}

fn candidates(files: &dyn Files) -> Result<Vec<PathBuf>, SourceError> {
    let names = match files.list(Path::new(PARTS)) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Vec::new(),
        other => other.map_err(|e| SourceError::Unreadable(PARTS.into(), e.to_string()))?,
    };
    let parts = names.iter().map(|n| Path::new(PARTS).join(n));
    Ok([PathBuf::from(LIST)].into_iter().chain(parts).collect())
}

impl Source {
    fn places(&self) -> Result<Vec<Place>, SourceError> {
        let path = || self.path.display().to_string();
        self.form.places(&self.text).map_err(|e| match e {
            Unusable::Trusted => SourceError::Trusted(path()),
            Unusable::Strange(entry) => SourceError::Strange(path(), entry),
        })
    }

    /// The same text with another minor; every other byte stays.
    pub fn with_minor(&self, minor: Minor) -> Result<String, SourceError> {
        let mut text = self.text.clone();
        for (range, _) in self.places()?.into_iter().rev() {
            text.replace_range(range, &minor.to_string());
        }
        Ok(text)
    }

    pub fn minor(&self) -> Option<Minor> {
        self.places().ok()?.first().map(|(_, minor)| *minor)
    }

    /// A source with this repository alone, at another minor: (file name, text).
    pub fn alone(&self, minor: Minor) -> Result<(&'static str, String), SourceError> {
        let text = self.with_minor(minor)?;
        Ok(match self.form {
            Form::OneLine => ("sources.list", one_line::only(&text)),
            Form::Deb822 => ("podlift.sources", deb822::only(&text)),
        })
    }
}

const BEFORE: &str = "/core:/stable:/";

fn names(text: &str) -> bool {
    text.contains(BEFORE)
}

/// Where the minor is in an address.
fn minor_in(address: &str) -> Option<Place> {
    let start = address.find(BEFORE)? + BEFORE.len();
    let end = start + address[start..].find('/')?;
    let whole = matches!(&address[end..], "/deb" | "/deb/");
    let minor = address[start..end].parse().ok().filter(|_| whole)?;
    Some((start..end, minor))
}
