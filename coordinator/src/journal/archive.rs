//! Files with the records of runs that left the journal, in a folder beside it. A file with its final name is complete: it is written under
//! another name, fsynced and verified first.
#![allow(clippy::disallowed_methods)] // this is an edge: the files

use super::{JournalError, Query, Records, Row};
use podlift_backup::Hashed;
use podlift_engine::machine::{ArchiveCheck, ArchiveError, ArchiveHeader, Record};
use podlift_model::Digest;
use std::collections::VecDeque;
use std::fs::{DirBuilder, File};
use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Suffix of a file that is not complete yet.
const UNFINISHED: &str = ".unfinished";

#[derive(Debug, Clone)]
pub struct Archives {
    pub dir: PathBuf,
}

/// A complete, verified file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Its name in the folder.
    pub file: String,
    pub header: ArchiveHeader,
    pub records: u64,
    pub bytes: u64,
    pub sha256: Digest,
}

#[derive(Debug, thiserror::Error)]
pub enum ArchiveFileError {
    #[error("{path}: {source}", path = path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{path} is not whole: {source}", path = path.display())]
    Damaged { path: PathBuf, source: ArchiveError },
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl Archives {
    /// The folder of a journal's archives.
    pub fn beside(journal: &Path) -> Self {
        Self { dir: journal.with_file_name("archive") }
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.dir.join(file)
    }

    /// Writes the runs of the header and verifies the file. The same runs always get the same name.
    pub fn write(&self, records: &dyn Records, header: &ArchiveHeader) -> Result<Verified, ArchiveFileError> {
        let file = name(header);
        let (path, chance) = (self.path(&file), uuid::Uuid::new_v4().simple());
        // A random name, so that no two writers ever write to one file.
        let unfinished = self.path(&format!("{file}.{chance}{UNFINISHED}"));
        let io = |source| ArchiveFileError::Io { path: path.clone(), source };
        self.make_dir().map_err(io)?;
        self.sweep().map_err(io)?;
        let filled = self.fill(&unfinished, records, header).and_then(|()| self.verify_path(&unfinished));
        let verified = match filled {
            Ok(verified) => Verified { file, ..verified },
            Err(error) => {
                // On a full disk the journal needs the room. What can't be removed now is swept later.
                drop(std::fs::remove_file(&unfinished));
                return Err(error);
            }
        };
        std::fs::rename(&unfinished, &path).map_err(io)?;
        podlift_common::durable::sync_dir(&self.dir).map_err(io)?;
        Ok(verified)
    }

    /// Makes the folder durable before any file in it is relied on.
    fn make_dir(&self) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.dir)?;
        let parent = self.dir.parent().filter(|p| !p.as_os_str().is_empty());
        podlift_common::durable::sync_dir(parent.unwrap_or(Path::new(".")))
    }

    /// Removes what interrupted archives left.
    fn sweep(&self) -> io::Result<()> {
        for entry in std::fs::read_dir(&self.dir)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().ends_with(UNFINISHED) {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    fn fill(
        &self,
        path: &Path,
        records: &dyn Records,
        header: &ArchiveHeader,
    ) -> Result<(), ArchiveFileError> {
        let io = |source| ArchiveFileError::Io { path: path.into(), source };
        let mut options = File::options();
        // Only the owner may read it, because a plan reveals much of a cluster.
        options.create_new(true).write(true).mode(0o600);
        let mut to = BufWriter::new(options.open(path).map_err(io)?);
        serde_json::to_writer(&mut to, header).map_err(|e| io(e.into()))?;
        let runs = header.runs.iter().map(|r| Pages::new(records, Query::run(Some(&r.run), 0)));
        let mut runs: Vec<Pages> = runs.collect();
        while let Some(row) = next(&mut runs)? {
            write!(to, "\n{}", row.json).map_err(io)?;
        }
        to.write_all(b"\n").map_err(io)?;
        to.into_inner().map_err(|e| io(e.into_error()))?.sync_all().map_err(io)
    }

    /// Reads every byte of a file.
    pub fn verify(&self, file: &str) -> Result<Verified, ArchiveFileError> {
        Ok(Verified { file: file.into(), ..self.verify_path(&self.path(file))? })
    }

    fn verify_path(&self, path: &Path) -> Result<Verified, ArchiveFileError> {
        let io = |source| ArchiveFileError::Io { path: path.into(), source };
        let damaged = |source| ArchiveFileError::Damaged { path: path.into(), source };
        let mut lines = Lines::open(path).map_err(io)?;
        let first = lines.read().map_err(io)?.unwrap_or_default();
        let mut check = ArchiveCheck::begin(first).map_err(damaged)?;
        while let Some(line) = lines.read().map_err(io)? {
            check.line(line).map_err(damaged)?;
        }
        let records = check.end().map_err(damaged)?;
        let (bytes, sha256) = lines.end().map_err(io)?;
        Ok(Verified { file: String::new(), header: check.header, records, bytes, sha256 })
    }

    /// Passes each record of a file to `take`, without a verification of the file as a whole.
    pub fn each(&self, file: &str, mut take: impl FnMut(Record)) -> Result<(), ArchiveFileError> {
        let path = self.path(file);
        let io = |source| ArchiveFileError::Io { path: path.clone(), source };
        let mut lines = Lines::open(&path).map_err(io)?;
        // The first line is the header.
        lines.read().map_err(io)?;
        while let Some(line) = lines.read().map_err(io)? {
            take(serde_json::from_str(line).map_err(|e| io(e.into()))?);
        }
        Ok(())
    }

    /// Names of the complete files, in order.
    pub fn list(&self) -> Result<Vec<String>, ArchiveFileError> {
        let io = |source| ArchiveFileError::Io { path: self.dir.clone(), source };
        let entries = match std::fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
            Err(e) => return Err(io(e)),
        };
        let mut names = vec![];
        for entry in entries {
            let name = entry.map_err(io)?.file_name().to_string_lossy().into_owned();
            if name.ends_with(SUFFIX) {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }
}

const SUFFIX: &str = ".jsonl";

/// A name made of the first and the last run.
pub fn name(header: &ArchiveHeader) -> String {
    match header.runs.as_slice() {
        [first, .., last] => format!("{}--{}{SUFFIX}", first.run, last.run),
        [only] => format!("{}{SUFFIX}", only.run),
        [] => format!("empty{SUFFIX}"),
    }
}

/// The records of one run, page by page.
struct Pages<'a> {
    records: &'a dyn Records,
    query: Query,
    page: VecDeque<Row>,
}

impl<'a> Pages<'a> {
    fn new(records: &'a dyn Records, query: Query) -> Self {
        Self { records, query, page: VecDeque::new() }
    }

    /// Number of the next record; `None` after the last one.
    fn peek(&mut self) -> Result<Option<u64>, JournalError> {
        if self.page.is_empty() {
            self.page = self.records.page(&self.query)?.into();
            if let Some(last) = self.page.back() {
                self.query.from = last.seq + 1;
            }
        }
        Ok(self.page.front().map(|row| row.seq))
    }
}

/// The next record of all runs in the order of their numbers: the records of two runs may overlap.
fn next(runs: &mut [Pages]) -> Result<Option<Row>, JournalError> {
    let mut first: Option<(u64, usize)> = None;
    for (at, run) in runs.iter_mut().enumerate() {
        if let Some(seq) = run.peek()? {
            first = first.min(Some((seq, at))).or(Some((seq, at)));
        }
    }
    Ok(first.and_then(|(_, at)| runs.get_mut(at)?.page.pop_front()))
}

/// The lines of a file, with one in memory at a time, and the hash of all bytes read.
struct Lines {
    from: BufReader<Hashed<File>>,
    line: String,
}

impl Lines {
    fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { from: BufReader::new(Hashed::new(File::open(path)?)), line: String::new() })
    }

    fn read(&mut self) -> io::Result<Option<&str>> {
        self.line.clear();
        match self.from.read_line(&mut self.line)? {
            0 => Ok(None),
            _ => Ok(Some(self.line.trim_end_matches('\n'))),
        }
    }

    /// The count and hash after the last line.
    fn end(self) -> io::Result<(u64, Digest)> {
        let hashed = self.from.into_inner();
        Ok((hashed.bytes, hashed.digest()?))
    }
}
