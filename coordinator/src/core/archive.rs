//! Archives ended runs: their records go into a file, and the journal keeps their hashes and a mark that names the file. The order is: file
//! written, fsynced and verified; mark durable; records emptied. After a crash the next archive or start finishes the rest.

use super::{Coordinator, CoordinatorError};
use crate::journal::archive::{Archives, Verified, name};
use crate::journal::{Query, each};
use crate::store::{Archived, Store};
use jiff::Timestamp;
use podlift_common::wire::StatusError as _;
use podlift_engine::machine::{
    ARCHIVE_SCHEMA, ArchiveHeader, ArchivedRun, Event, RunDigest, RunState, RunStatus,
};
use podlift_model::{ClusterName, Digest, RunId};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::Mutex;

impl Coordinator {
    /// Archives every run that ended before `before` except the newest, which status and report need. Answers with a line for people.
    pub(super) async fn archive(&self, before: Timestamp, by: &str) -> Result<String, CoordinatorError> {
        let (archivist, by) = (self.archivist()?, by.to_string());
        alone(&self.starting, move || archivist.archive(before, by)).await
    }

    /// Reads every byte of one archive, or of all.
    pub async fn verify_archives(&self, file: Option<String>) -> Result<String, CoordinatorError> {
        let archivist = self.archivist()?;
        blocking(move || archivist.verify(file)).await
    }

    /// Empties records that an earlier start archived and did not empty.
    pub async fn finish_archives(&self) -> Result<u64, CoordinatorError> {
        let archivist = self.archivist()?;
        alone(&self.starting, move || archivist.finish()).await
    }

    fn archivist(&self) -> Result<Archivist, CoordinatorError> {
        let archives = self.settings.archives.clone().ok_or(CoordinatorError::NoArchives)?;
        let (store, cluster, now) = (self.store.clone(), self.cluster_name.clone(), self.clock.now());
        Ok(Archivist { store, archives, cluster, now })
    }
}

/// Like `blocking`, but holds the lock until the work is done, because the caller may disconnect earlier.
async fn alone<T: Send + 'static>(
    lock: &Arc<Mutex<()>>,
    work: impl FnOnce() -> Result<T, CoordinatorError> + Send + 'static,
) -> Result<T, CoordinatorError> {
    let held = lock.clone().lock_owned().await;
    let work = move || {
        let _held = held;
        work()
    };
    blocking(work).await
}

/// Runs the work on a thread that may wait for the disk.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CoordinatorError> + Send + 'static,
) -> Result<T, CoordinatorError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|e| CoordinatorError::ArchiveNotMade { why: e.to_string() })?
}

struct Archivist {
    store: Arc<Store>,
    archives: Archives,
    cluster: ClusterName,
    now: Timestamp,
}

/// The result of finishing interrupted archives.
#[derive(Default)]
struct Finished {
    emptied: u64,
    /// Files that are not reliable. The journal still has their records.
    bad: Vec<(String, CoordinatorError)>,
}

impl Finished {
    /// Adds a line to the answer for each file that is left unchanged.
    fn with(&self, answer: String) -> String {
        let bad = self.bad.iter();
        let lines = bad.map(|(file, e)| format!("archive {file} is not completed: {e}: {}", e.info().why));
        [answer].into_iter().chain(lines).collect::<Vec<_>>().join("\n")
    }
}

impl Archivist {
    fn archive(&self, before: Timestamp, by: String) -> Result<String, CoordinatorError> {
        let finished = self.finish_each()?;
        let mut runs = self.ended(before).iter().map(|s| self.summary(s)).collect::<Result<Vec<_>, _>>()?;
        if runs.is_empty() {
            return Ok(finished.with(nothing(before, finished.emptied)));
        }
        // Ordered by their records, because the clock may have been set back.
        runs.sort_by_key(|r| r.ended_seq);
        let header = ArchiveHeader {
            schema: ARCHIVE_SCHEMA.into(),
            cluster: self.cluster.clone(),
            made_at: self.now,
            by: by.clone(),
            before,
            runs: runs.clone(),
        };
        let made = self.write(&header)?;
        self.mark(&made, before, by)?;
        let names: Vec<RunId> = runs.into_iter().map(|r| r.run).collect();
        self.empty(&made.file, &made.sha256, &names)?;
        self.compact();
        Ok(finished.with(self.said(&made)))
    }

    /// Writes the file, but never over a file that the journal names.
    fn write(&self, header: &ArchiveHeader) -> Result<Verified, CoordinatorError> {
        let file = name(header);
        if self.store.all_archived().values().any(|a| a.file == file) {
            let why = format!("the journal names {file} already, with other runs");
            return Err(CoordinatorError::ArchiveNotMade { why });
        }
        Ok(self.archives.write(self.store.reader().as_ref(), header)?)
    }

    fn mark(&self, made: &Verified, before: Timestamp, by: String) -> Result<(), CoordinatorError> {
        let (file, sha256, runs) = (made.file.clone(), made.sha256.clone(), made.header.runs.clone());
        let mark = self.store.append_mark(Event::RunsArchived { file, sha256, before, runs, by })?;
        let why = "a run got another record meanwhile; the journal was not changed, repeat the command";
        mark.map(drop).ok_or_else(|| CoordinatorError::ArchiveNotMade { why: why.into() })
    }

    /// Ended runs except the newest, in no order.
    fn ended(&self, before: Timestamp) -> Vec<Arc<RunState>> {
        let newest = self.store.newest().map(|s| s.run.clone());
        let runs = self.store.runs().into_iter().filter(|run| Some(run) != newest.as_ref());
        let states = runs.filter_map(|run| self.store.run(&run));
        states.filter(|s| s.ended.is_some_and(|ended| ended < before)).collect()
    }

    /// What the journal keeps of a run, computed from its stored records.
    fn summary(&self, state: &RunState) -> Result<ArchivedRun, CoordinatorError> {
        let (mut digest, mut ended_seq) = (RunDigest::new(&state.run), 0);
        each(self.store.reader().as_ref(), Query::run(Some(&state.run), 0), |row| {
            let record = row.record()?;
            digest.take(record.seq, record.hash.as_str());
            if matches!(record.event, Event::RunSucceeded | Event::RunAborted { .. }) {
                ended_seq = record.seq;
            }
            Ok::<_, CoordinatorError>(())
        })?;
        let status = if state.status == RunStatus::Succeeded { "succeeded" } else { "aborted" };
        Ok(ArchivedRun {
            run: state.run.clone(),
            status: status.into(),
            by: state.by.clone(),
            started: state.started,
            ended: state.ended.unwrap_or(state.last),
            ended_seq,
            records: digest.records,
            chain: digest.digest,
            backup: state.seal.as_ref().map(|s| s.hash.clone()),
        })
    }

    /// Returns the first error if any file is not reliable. The other archives are finished all the same.
    fn finish(&self) -> Result<u64, CoordinatorError> {
        let finished = self.finish_each()?;
        finished.bad.into_iter().next().map_or(Ok(finished.emptied), |(_, error)| Err(error))
    }

    fn finish_each(&self) -> Result<Finished, CoordinatorError> {
        let mut finished = Finished::default();
        for ((file, sha256), runs) in self.interrupted()? {
            match self.empty(&file, &sha256, &runs) {
                Ok(emptied) => finished.emptied += emptied,
                Err(error) => {
                    tracing::warn!(file, %error, "an archive that was interrupted is not finished");
                    finished.bad.push((file, error));
                }
            }
        }
        self.compact();
        Ok(finished)
    }

    /// Files with runs whose records are not all emptied.
    fn interrupted(&self) -> Result<BTreeMap<(String, Digest), Vec<RunId>>, CoordinatorError> {
        let mut files: BTreeMap<(String, Digest), Vec<RunId>> = BTreeMap::new();
        for (run, Archived { file, sha256, .. }) in self.store.all_archived() {
            if self.store.reader().count(&Query::run(Some(&run), 0))? > 0 {
                files.entry((file, sha256)).or_default().push(run);
            }
        }
        Ok(files)
    }

    /// Empties records only after the file was verified under the name that the journal has.
    fn empty(&self, file: &str, sha256: &Digest, runs: &[RunId]) -> Result<u64, CoordinatorError> {
        self.verify_marked(file, sha256)?;
        runs.iter().try_fold(0, |emptied, run| Ok(emptied + self.store.free(run)?))
    }

    /// Shrinks the journal's file unless a run is open, because that run's appends must not wait. Until then, and after a failure, later
    /// records reuse the room. The next start tries again.
    fn compact(&self) {
        if self.store.open_run().is_none()
            && let Err(error) = self.store.compact()
        {
            tracing::warn!(%error, "the journal's file was not made smaller");
        }
    }

    fn verify_marked(&self, file: &str, sha256: &Digest) -> Result<Verified, CoordinatorError> {
        let found = self.archives.verify(file)?;
        match found.sha256 == *sha256 {
            true => Ok(found),
            false => Err(CoordinatorError::OtherArchive { file: file.into() }),
        }
    }

    fn verify(&self, file: Option<String>) -> Result<String, CoordinatorError> {
        let marked: BTreeMap<String, Archived> =
            self.store.all_archived().into_values().map(|a| (a.file.clone(), a)).collect();
        let files: Vec<String> = match file {
            Some(file) => vec![file],
            None => {
                let mut all = self.archives.list()?;
                // A missing file is a failure, too.
                all.extend(marked.keys().cloned());
                all.sort();
                all.dedup();
                all
            }
        };
        if files.is_empty() {
            return Ok("nothing was archived yet: podlift runs archive --before DATE".into());
        }
        let lines = files.iter().map(|file| self.verified(file, marked.get(file)));
        Ok(lines.collect::<Result<Vec<_>, _>>()?.join("\n"))
    }

    fn verified(&self, file: &str, marked: Option<&Archived>) -> Result<String, CoordinatorError> {
        let (found, told) = match marked {
            Some(a) => (self.verify_marked(&a.file, &a.sha256)?, "as the journal has it"),
            None => (self.archives.verify(file)?, "no mark in the journal names it"),
        };
        let runs: Vec<&str> = found.header.runs.iter().map(|r| r.run.as_str()).collect();
        Ok(format!(
            "{file} is whole, {told}: {} of {}",
            podlift_model::count(found.records, "record"),
            runs.join(", ")
        ))
    }

    fn said(&self, made: &Verified) -> String {
        let path = self.archives.path(&made.file);
        let runs: Vec<&RunId> = made.header.runs.iter().map(|r| &r.run).collect();
        let names = runs.iter().map(|r| r.as_str()).collect::<Vec<_>>().join(", ");
        format!(
            "archived {} of {names} in {} ({} bytes, sha256 {})",
            podlift_model::count(made.records, "record"),
            path.display(),
            made.bytes,
            made.sha256
        )
    }
}

fn nothing(before: Timestamp, left: u64) -> String {
    match left {
        0 => format!("nothing to archive: no run but the newest ended before {before}"),
        n => format!(
            "an archive that was interrupted is finished: {} emptied",
            podlift_model::count(n, "record")
        ),
    }
}

#[cfg(test)]
#[path = "archive_tests.rs"]
mod tests;
